"""The right pass, computed once for each case.

Most mistakes call the definition and change what goes in or what comes out. Its loops are most of
what running a mistake costs, and on one case they give the same to all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import FunctionType
from typing import Any

import numpy as np

from cnnpy.check.rows import SANDWICHES, row_of

__all__ = ["calling", "remembering", "written"]

_PASSES = ("forward", "backward")


def written(value: Any) -> Any:
    """Write arrays down as something that can be compared at once.

    Parameters
    ----------
    value : object
        Arrays, numbers, lists and mappings of them.

    Returns
    -------
    object
        Equal for what is equal to the last bit, and can be hashed.
    """
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, Mapping):
        return tuple((name, written(v)) for name, v in value.items())
    return tuple(map(written, value)) if isinstance(value, list | tuple) else value


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


@dataclass(frozen=True)
class _Call:
    """What is called with what: equal where all the numbers are."""

    function: Callable[..., Any]
    numbers: Any
    arguments: tuple[Any, ...] = field(compare=False)
    keywords: Mapping[str, Any] = field(compare=False)


@cache
def _remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **keywords: Any) -> Any:
        numbers = written(arguments), written(dict(sorted(keywords.items())))
        return _copied(_called(_Call(function, numbers, arguments, keywords)))

    return call


@lru_cache(maxsize=1 << 10)
def _called(of: _Call) -> Any:
    return _copied(of.function(*of.arguments, **of.keywords))


def _copied(value: Any) -> Any:
    """Copy arrays, which whoever gets them may write to."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return type(value)(map(_copied, value)) if isinstance(value, list | tuple) else value
