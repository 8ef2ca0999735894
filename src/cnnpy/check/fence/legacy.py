"""What Python 2 and old NumPy had and the present ones have not, and what to write now.

Put back while somebody's code is judged, so that one old name does not hide what else it
does; every use is noted down, but for those of a file that is ready for their absence.
"""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

__all__ = ["put_back", "what_to_change"]

_BUILTINS: dict[str, tuple[Any, str]] = {
    "xrange": (range, "range"),
    "unicode": (str, "str"),
    "long": (int, "int"),
    "raw_input": (None, "input"),
    "reduce": (None, "from functools import reduce"),
    "unichr": (chr, "chr"),
}

_NUMPY: dict[str, tuple[Any, str]] = {
    "int": (int, "int"),
    "float": (float, "float"),
    "bool": (bool, "bool"),
    "object": (object, "object"),
    "complex": (complex, "complex"),
    "str": (str, "str"),
    "float_": (np.float64, "np.float64"),
    "int_": (np.int64, "np.int64"),
    "Inf": (np.inf, "np.inf"),
    "Infinity": (np.inf, "np.inf"),
    "PINF": (np.inf, "np.inf"),
    "NINF": (-np.inf, "-np.inf"),
    "NaN": (np.nan, "np.nan"),
    "infty": (np.inf, "np.inf"),
    "product": (np.prod, "np.prod"),
    "cumproduct": (np.cumprod, "np.cumprod"),
    "alltrue": (np.all, "np.all"),
    "sometrue": (np.any, "np.any"),
    "round_": (np.round, "np.round"),
    "row_stack": (np.vstack, "np.vstack"),
    "in1d": (np.isin, "np.isin"),
    "asscalar": (lambda a: a.item(), "a.item()"),
    "mat": (np.asmatrix, "np.asmatrix"),
    "asfarray": (lambda a: np.asarray(a, dtype=float), "np.asarray(a, dtype=float)"),
    "msort": (lambda a: np.sort(a, axis=0), "np.sort(a, axis=0)"),
}

_WORDS = (
    # what an error says, and what to change
    ("Missing parentheses in call to 'print'", "print is a function in Python 3: print(...)"),
    ("Missing parentheses in call to 'exec'", "exec is a function in Python 3: exec(...)"),
    ("inconsistent use of tabs", "indent with spaces only: Python 3 does not mix them with tabs"),
    ("multiple exception types must be paren", "write except (A, B) as error: in Python 3"),
    ("has no attribute 'iteritems'", "dict.iteritems is dict.items in Python 3"),
    ("has no attribute 'itervalues'", "dict.itervalues is dict.values in Python 3"),
    ("has no attribute 'iterkeys'", "dict.iterkeys is dict.keys in Python 3"),
    ("has no attribute 'has_key'", "d.has_key(k) is k in d in Python 3"),
    ("'dict_keys' object is not subscriptable", "list(d.keys()) in Python 3"),
    ("'float' object cannot be interpreted as an integer", "/ gives a float in Python 3: use //"),
    ("slice indices must be integers", "/ gives a float in Python 3: use // for sizes"),
    ("only integers, slices", "/ gives a float in Python 3: use // for indices"),
    (
        "from dtype('float64') to dtype('int64')",
        "/ gives a float in Python 3: use // for indices",
    ),
    (
        "only 0-dimensional arrays can be converted",
        "NumPy no longer takes an array of one number for a number: write a.item(), or a[0]",
    ),
    ("No module named 'cPickle'", "cPickle is pickle in Python 3"),
    ("No module named 'past'", "drop the imports from past: Python 3 needs none of them"),
)


def put_back(note: Callable[..., None]) -> None:
    """Put old names back into this process, each noted down where it is used.

    Parameters
    ----------
    note : callable
        Takes ``what="old"``, ``name``, ``now`` and ``line``.
    """
    for name, (value, now) in _BUILTINS.items():
        if value is not None and not hasattr(builtins, name):
            setattr(builtins, name, _noting(value, name, now, note))
    for name in ("exit", "quit"):  # a Python that runs no site module has neither
        if not hasattr(builtins, name):
            setattr(builtins, name, sys.exit)
    if not hasattr(np.lib, "pad"):
        setattr(np.lib, "pad", _noting(np.pad, "np.lib.pad", "np.pad", note))  # noqa: B010
    present: Callable[[str], Any] = np.__getattr__

    def of_numpy(name: str) -> Any:
        if name not in _NUMPY:
            return present(name)
        value, now = _NUMPY[name]
        _note(note, f"np.{name}", now, sys._getframe(1))
        return value

    setattr(np, "__getattr__", of_numpy)  # noqa: B010


def _noting(value: Any, name: str, now: str, note: Callable[..., None]) -> Any:
    def use(*arguments: Any, **keywords: Any) -> Any:
        _note(note, name, now, sys._getframe(1))
        return value(*arguments, **keywords)

    return use


def _note(note: Callable[..., None], name: str, now: str, frame: FrameType) -> None:
    if not _is_ready(frame.f_code.co_filename):
        note(what="old", name=name, now=now, line=frame.f_lineno)


@cache
def _is_ready(file: str) -> bool:
    """Tell whether a file asks before it uses an old name: ``except NameError: ...``."""
    try:
        source = Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"except[^:\n]*(NameError|AttributeError)|hasattr\(", source) is not None


def what_to_change(error: BaseException) -> str | None:
    """Say what to change where an error comes from code for Python 2 or an old NumPy.

    Parameters
    ----------
    error : BaseException
        The error.

    Returns
    -------
    str or None
        One line; None where it is an error of another kind.

    Examples
    --------
    >>> what_to_change(AttributeError("'dict' object has no attribute 'iteritems'"))
    'dict.iteritems is dict.items in Python 3'
    """
    said = str(error)
    for words, change in _WORDS:
        if words in said:
            return change
    if isinstance(error, NameError) and error.name in _BUILTINS:
        return f"{error.name} is {_BUILTINS[error.name][1]} in Python 3"
    return None
