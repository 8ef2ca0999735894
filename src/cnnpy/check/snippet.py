"""A case written down: as lines to read, and as Python to paste."""

from __future__ import annotations

from keyword import iskeyword
from typing import Any

import numpy as np

from cnnpy.check.dialects import Arguments, Dialect, Found
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
    if array.dtype.kind not in "fiub":
        return f"an array of {array.dtype} of shape {array.shape}"
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


def snippet(found: Found, observation: Observation) -> str:
    """Write the lines of Python that show what was seen.

    Parameters
    ----------
    found : Found
        The implementation.
    observation : Observation
        What was tried.

    Returns
    -------
    str
        Python.
    """
    d = found.dialect
    given = d.arguments(observation.case)
    if d.manner == "class":
        return "\n".join(_of_a_class(found, observation, given))
    if d.manner == "module":
        return "\n".join(_of_a_module(found, observation, given))
    torch = ["import torch"] if d.manner == "tensors" else []
    lines = ["import numpy as np", *torch, *_imports(found), ""]
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
    if d.manner == "function":
        return "\n".join([*lines, f"out = {call}"])
    if d.manner == "tensors":
        return "\n".join([*lines, *_by_autograd(d, given, call, observation.dout)])
    lines.append(f"out, cache = {call}")
    if found.backward is not None:
        lines.append(f"dout = {_python(observation.dout)}")
        gradients = ", ".join(f"d{name}" for name in d.gradients)
        lines.append(f"{gradients} = {found.backward}(dout, cache)")
    return "\n".join(lines)


def _by_autograd(d: Dialect, given: Arguments, call: str, dout: Any) -> list[str]:
    named = {int(position): name for name, position in given.names.items() if position.isdigit()}
    arrays = [named[k] for k, a in enumerate(given.positional) if isinstance(a, np.ndarray)]
    tracked = [name for name in arrays if name in d.gradients]
    return [
        *(f"{name} = torch.from_numpy({name})" for name in arrays),
        *(f"{name}.requires_grad_()" for name in tracked),
        f"out = {call}",
        f"dout = torch.from_numpy({_python(dout)})",
        f"{', '.join(f'd{name}' for name in tracked)}, = torch.autograd.grad("
        f"out, [{', '.join(tracked)}], dout)",
    ]


def _of_a_class(found: Found, observation: Observation, given: Arguments) -> list[str]:
    name = found.forward.rpartition(".")[0]
    built = ", ".join(f"{key}={_python(value)}" for key, value in given.built.items())
    inputs = {position: name for name, position in given.names.items()}
    lines = ["import numpy as np", *_import(found.modules.get(name) or "layers", [name]), ""]
    written = []
    for k, value in enumerate(given.positional, 1):
        called = inputs.get(str(k), f"a{k}")
        lines.append(f"{called} = {_python(value)}")
        written.append(called)
    written += [f"{key}={_python(value)}" for key, value in given.keywords.items()]
    lines += [f"layer = {name}({built})", f"out = layer.forward({', '.join(written)})"]
    if not given.dout:
        return [*lines, "dx = layer.backward()"]
    return [*lines, f"dout = {_python(observation.dout)}", "dx = layer.backward(dout)"]


def _of_a_module(found: Found, observation: Observation, given: Arguments) -> list[str]:
    name = found.forward.rpartition(".")[0]
    built = ", ".join(f"{key}={_python(value)}" for key, value in given.built.items())
    x = given.positional[0]
    lines = ["import numpy as np", "import torch"]
    lines += [*_import(found.modules.get(name) or "layers", [name]), ""]
    lines += [f"layer = {name}({built}).to(torch.{np.asarray(x).dtype.name})"]
    lines += [f"# its parameters: {', '.join(_weights(found, observation))}"] * bool(
        _weights(found, observation)
    )
    return [
        *lines,
        f"x = torch.from_numpy({_python(x)}).requires_grad_()",
        "out = layer(x)",
        f"dout = torch.from_numpy({_python(observation.dout)})",
        "out.backward(dout)",
        "dx = x.grad",
    ]


def _weights(found: Found, observation: Observation) -> list[str]:
    """Write the weights that a module was filled with, by the names that they have here."""
    arrays = observation.case.arrays
    weights = [name for name in found.dialect.gradients if name != "x"]
    return [f"{name} = {array_text(arrays[name])}" for name in weights]


def _imports(found: Found) -> list[str]:
    by_module: dict[str, list[str]] = {}
    for name in filter(None, (found.forward, found.backward)):
        by_module.setdefault(found.modules.get(name) or "layers", []).append(name)
    return [line for module, names in by_module.items() for line in _import(module, names)]


def _import(module: str, names: list[str]) -> list[str]:
    if all(part.isidentifier() and not iskeyword(part) for part in module.split(".")):
        return [f"from {module} import {', '.join(names)}"]
    whole = f"importlib.import_module({module!r})"
    return ["import importlib", *(f"{name} = {whole}.{name}" for name in names)]


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
