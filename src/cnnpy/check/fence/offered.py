"""What somebody's code offers: functions, and classes with the parameters of their methods."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnpy.check.fence.tensors import is_module, takes_tensors

__all__ = ["Offered", "offered", "offered_by"]

_METHODS = ("__init__", "forward", "backward")
_OF_A_MODULE = ("__init__", "forward")

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class Offered:
    """A function, or a class that has forward and backward, or is a module of PyTorch.

    Parameters
    ----------
    module : str
        The module that it is to be imported from.
    methods : mapping
        Of a class, by method, the names of its parameters; ``=`` stands behind one that
        has a default. Empty for a function; a module has no backward.
    tensors : bool
        Whether it may want tensors of PyTorch in the place of arrays.
    """

    module: str
    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tensors: bool = False


def offered(value: Any, module: str) -> Offered:
    """Describe a function or class.

    Parameters
    ----------
    value : callable
        The function or class.
    module : str
        The module that it is to be imported from.

    Returns
    -------
    Offered
        Without methods where it is no class with forward and backward.

    Examples
    --------
    >>> class Scale:
    ...     def __init__(self, factor, shift=0.0): ...
    ...     def forward(self, x): ...
    ...     def backward(self, dout): ...
    >>> offered(Scale, "layers").methods["__init__"]
    ('factor', 'shift=')
    """
    if not isinstance(value, type):
        return Offered(module, tensors=takes_tensors(value))
    if is_module(value):
        methods = {name: _parameters(getattr(value, name)) for name in _OF_A_MODULE}
        return Offered(module, methods, tensors=True)
    if not all(callable(getattr(value, name, None)) for name in ("forward", "backward")):
        return Offered(module)
    return Offered(module, {name: _parameters(getattr(value, name)) for name in _METHODS})


def offered_by(functions: Mapping[str, Any]) -> dict[str, Offered]:
    """Describe what a module of this process offers.

    Parameters
    ----------
    functions : mapping
        By name; what cannot be called is left out.

    Returns
    -------
    dict
        By name, what is known of each.
    """
    return {
        name: offered(value, str(getattr(value, "__module__", "")))
        for name, value in functions.items()
        if callable(value)
    }


def _parameters(method: Any) -> tuple[str, ...]:
    try:
        parameters = list(inspect.signature(method).parameters.values())
    except (TypeError, ValueError):
        return ()
    return tuple(
        p.name + ("" if p.default is p.empty else "=") for p in parameters[1:] if p.kind in _NAMED
    )
