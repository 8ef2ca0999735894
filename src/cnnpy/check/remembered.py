"""What is computed once for each case, however often it is asked for.

One submission after the other is tried on the same cases, and most mistakes call the definition
and change what goes in or what comes out: its loops are most of what a check costs, and on one case
they give the same to all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache, wraps
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.rows import SANDWICHES, row_of

__all__ = ["calling", "once", "remembering"]

P = ParamSpec("P")
R = TypeVar("R")

_PASSES = ("forward", "backward")


def once(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function compute once what it is asked with the same arguments, to the last bit.

    Parameters
    ----------
    most : int
        How many answers are kept. Nobody may write to one.

    Returns
    -------
    callable
        A decorator.

    Examples
    --------
    >>> @once(8)
    ... def total(values):
    ...     print("computing")
    ...     return values.sum()
    >>> float(total(np.ones(2))), float(total(np.ones(2)))
    computing
    (2.0, 2.0)
    """

    def of(function: Callable[P, R]) -> Callable[P, R]:
        @lru_cache(maxsize=most)
        def answer(asked: _Asked) -> R:
            return function(*asked.arguments, **asked.keywords)

        @wraps(function)
        def ask(*arguments: P.args, **keywords: P.kwargs) -> R:
            numbers = _written(arguments), _written(dict(sorted(keywords.items())))
            return answer(_Asked(numbers, arguments, keywords))

        return ask

    return of


@dataclass(frozen=True)
class _Asked:
    """With what something is asked: equal where all the numbers are."""

    numbers: Any
    arguments: tuple[Any, ...] = field(compare=False)
    keywords: Mapping[str, Any] = field(compare=False)


def _written(value: Any) -> Any:
    """Write arrays down as something that can be compared at once."""
    if isinstance(value, Case):
        return value.op, _written(value.arrays), _written(value.options)
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, Mapping):
        return tuple((name, _written(v)) for name, v in value.items())
    return tuple(map(_written, value)) if isinstance(value, list | tuple) else value


def calling(function: Callable[..., Any], names: Mapping[str, Any]) -> FunctionType | None:
    """Give a function that finds other things under some names of its module.

    Parameters
    ----------
    function : callable
        A function of a module; those that it calls of its own module find the same.
    names : mapping
        What is to be found; names that the module has not are left out.

    Returns
    -------
    function or None
        None where the module has none of the names.
    """
    if not isinstance(function, FunctionType):
        return None
    known = {name: value for name, value in names.items() if name in function.__globals__}
    if not known:
        return None
    found = {**function.__globals__, **known}
    found |= {
        name: _moved(found, f)
        for name, f in function.__globals__.items()
        if isinstance(f, FunctionType) and f.__module__ == function.__module__
    }
    return _moved(found, function)


def _moved(names: dict[str, Any], function: FunctionType) -> FunctionType:
    """Give a function that finds what it calls in other names."""
    moved = FunctionType(function.__code__, names, closure=function.__closure__)
    moved.__kwdefaults__, moved.__defaults__ = function.__kwdefaults__, function.__defaults__
    return moved


@cache
def remembering(op: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a mistake's pass with right passes that are computed once for each case.

    Parameters
    ----------
    op : str
        What it is made in.
    function : callable
        A pass, of the definition or of a mistake.

    Returns
    -------
    callable
        It gives the same.
    """
    if op in SANDWICHES or any(i.kind.name == "UPDATED" for i in row_of(op).keyword):
        return function  # which changes what it is given
    right = {name: getattr(row_of(op), name) for name in _PASSES}
    if function in right.values():
        return _remembered(function)
    known = {f"right_{name}": _remembered(right[name]) for name in _PASSES}
    return calling(function, known) or function


@cache
def _remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    @once(1 << 9)
    def computed(*arguments: Any, **keywords: Any) -> Any:
        return _copied(function(*arguments, **keywords))

    return lambda *arguments, **keywords: _copied(computed(*arguments, **keywords))


def _copied(value: Any) -> Any:
    """Copy arrays, which whoever gets them may write to."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return type(value)(map(_copied, value)) if isinstance(value, list | tuple) else value
