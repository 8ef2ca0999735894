"""A case written down: as lines to read, and as Python to paste."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.check.dialects import Found
from cnnpy.check.observe import Observation

__all__ = ["array_text", "snippet"]

_MOST_NUMBERS = 64


def array_text(value: Any) -> str:
    """Write an array as NumPy would read it.

    Parameters
    ----------
    value : object
        An array, or anything else.

    Returns
    -------
    str
        Its numbers; of a large one its shape and the first of them.

    Examples
    --------
    >>> array_text(np.array([[1.0, 2.5]]))
    '[[1.0, 2.5]]'
    >>> array_text(np.zeros((1, 1, 0, 0)))
    'an array of shape (1, 1, 0, 0)'
    """
    if not isinstance(value, np.ndarray | np.generic):
        return repr(value)
    array = np.asarray(value)
    if array.size == 0:
        return f"an array of shape {array.shape}"
    if array.size > _MOST_NUMBERS:
        first = ", ".join(f"{float(v):.6g}" for v in array.ravel()[:4])
        return f"an array of shape {array.shape}: {first}, ..."
    return _nested(array)


def _nested(array: np.ndarray[Any, Any]) -> str:
    if array.ndim == 0:
        return repr(float(f"{float(array):.7g}")) if array.dtype.kind == "f" else repr(array.item())
    return "[" + ", ".join(_nested(part) for part in array) + "]"


def snippet(found: Found, observation: Observation, module: str = "layers") -> str:
    """Write the lines of Python that show what was seen.

    Parameters
    ----------
    found : Found
        The implementation.
    observation : Observation
        What was tried.
    module : str
        The module that it is imported from.

    Returns
    -------
    str
        Python.
    """
    d = found.dialect
    given = d.arguments(observation.case)
    names = [found.forward] + ([found.backward] if found.backward else [])
    lines = ["import numpy as np", f"from {module} import {', '.join(names)}", ""]
    named = {int(position): name for name, position in given.names.items() if position.isdigit()}
    written = []
    for k, value in enumerate(given.positional):
        if isinstance(value, np.ndarray):
            lines.append(f"{named.get(k, f'a{k}')} = {_python(value)}")
            written.append(named.get(k, f"a{k}"))
        else:
            written.append(_python(value))
    written += [f"{name}={_python(value)}" for name, value in given.keywords.items()]
    call = f"{found.forward}({', '.join(written)})"
    if d.manner == "loss":
        return "\n".join([*lines, f"loss, dx = {call}"])
    lines.append(f"out, cache = {call}")
    if found.backward is not None:
        lines.append(f"dout = {_python(observation.dout)}")
        gradients = ", ".join(f"d{name}" for name in d.gradients)
        lines.append(f"{gradients} = {found.backward}(dout, cache)")
    return "\n".join(lines)


def _python(value: Any) -> str:
    if isinstance(value, np.ndarray):
        dtype = ", dtype=np.float32" if value.dtype == np.float32 else ""
        if value.size > _MOST_NUMBERS:
            return f"np.random.randn{value.shape}  # any numbers of this shape"
        return f"np.array({_exact(value)}{dtype})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_python(v)}" for k, v in value.items()) + "}"
    return repr(value)


def _exact(array: np.ndarray[Any, Any]) -> str:
    if array.size == 0:
        return f"np.zeros({array.shape})"
    return str(array.tolist())
