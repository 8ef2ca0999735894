"""What Python 2 and old NumPy had and the present ones have not, and what to write now.

Put back while somebody's code is judged, so that one old name does not hide what else it
does; every use is noted down, but for those of a file that is ready for their absence.
"""

from __future__ import annotations

import builtins
import importlib
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from cnnpy.check.fence.old_names import (
    A_FLOAT_FOR_A_SIZE,
    BUILTINS,
    LIB,
    METHODS,
    MODULES,
    NUMPY,
    NUMPY_IS_GONE,
    SEQUENCES,
    SYNTAX,
    WORDS,
)

__all__ = ["put_back", "what_to_change"]


def put_back(note: Callable[..., None]) -> None:
    """Put old names back into this process, each noted down where it is used.

    Parameters
    ----------
    note : callable
        Takes ``what="old"``, ``name``, ``now``, ``line``, ``file``, and ``function`` where the
        line is in one.
    """
    for name, (value, now) in BUILTINS.items():
        if value is not None and not hasattr(builtins, name):
            setattr(builtins, name, _noting(value, name, now, note))
    for name in ("exit", "quit"):  # a Python that runs no site module has neither
        if not hasattr(builtins, name):
            setattr(builtins, name, sys.exit)
    for module_name, names in MODULES.items():
        module = importlib.import_module(module_name)
        for name, (value, now) in names.items():
            if value is not None and not hasattr(module, name):
                setattr(module, name, _noting(value, f"{module_name}.{name}", now, note))
    _answer_for(np, "np", NUMPY, note)
    of_lib = {name: (getattr(np, name), f"np.{name}") for name in LIB if hasattr(np, name)}
    _answer_for(np.lib, "np.lib", of_lib, note)


def _answer_for(
    module: ModuleType, called: str, old: Mapping[str, tuple[Any, str]], note: Callable[..., None]
) -> None:
    """Let a module give what it has no more, each noted down where it is used."""
    present: Callable[[str], Any] = module.__getattr__

    def old_or_present(name: str) -> Any:
        value, now = old.get(name, (None, ""))
        if value is None:
            return present(name)
        _note(note, f"{called}.{name}", now, sys._getframe(1))
        return value

    setattr(module, "__getattr__", old_or_present)  # noqa: B010


def _noting(value: Any, name: str, now: str, note: Callable[..., None]) -> Any:
    def use(*arguments: Any, **keywords: Any) -> Any:
        _note(note, name, now, sys._getframe(1))
        return value(*arguments, **keywords)

    return use


def _note(note: Callable[..., None], name: str, now: str, frame: FrameType) -> None:
    if not _is_ready(frame.f_code.co_filename):
        code = frame.f_code
        where = {} if code.co_name.startswith("<") else {"function": code.co_name}
        file = Path(code.co_filename).name
        note(what="old", name=name, now=now, line=frame.f_lineno, file=file, **where)


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
    return (
        _by_its_words(str(error))
        or _by_its_name(error)
        or (_by_its_line(error.text or "") if isinstance(error, SyntaxError) else None)
    )


def _by_its_words(said: str) -> str | None:
    for words, change in (*WORDS, *METHODS.items()):
        if words in said:
            return change
    if A_FLOAT_FOR_A_SIZE.search(said):
        return "/ gives a float in Python 3: use // for sizes"
    sequence = SEQUENCES.search(said)
    if sequence is not None:
        name = next(group for group in sequence.groups() if group)
        made = name.replace("dict_", "d.") + ("()" if "_" in name else "(...)")
        return f"{made} gives no list in Python 3: write list({made})"
    gone = NUMPY_IS_GONE.search(said)
    if gone is not None:
        what, instead = gone.groups()
        return f"{what} is no more: {instead[:1].lower()}{instead[1:]}".replace("`", "").rstrip(".")
    return None


def _by_its_name(error: BaseException) -> str | None:
    name = str(getattr(error, "name", None) or "")
    if isinstance(error, NameError) and name in BUILTINS:
        return f"{name} is {BUILTINS[name][1]} in Python 3"
    module = re.search(r"module '(\w+)' has no|import name '\w+' from '(\w+)'", str(error))
    if module is None:
        return None
    owner: str = module.group(1) or module.group(2)
    if isinstance(error, ImportError):
        name = getattr(error, "name_from", None) or _quoted(str(error))
    if owner == "numpy" and name in NUMPY:
        return f"np.{name} is {NUMPY[name][1]} now"
    if name in MODULES.get(owner, {}):
        return f"{owner}.{name} is {MODULES[owner][name][1]} in Python 3"
    return None


def _quoted(said: str) -> str:
    found = re.search(r"'(\w+)'", said)
    return found.group(1) if found else ""


def _by_its_line(line: str) -> str | None:
    return next((change for words, change in SYNTAX if re.search(words, line)), None)
