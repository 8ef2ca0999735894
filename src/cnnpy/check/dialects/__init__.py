"""How implementations are called: by a course's names, by cnnpy's, as classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cnnpy.check.dialects.course import COURSE
from cnnpy.check.dialects.dialect import Arguments, Dialect, Found
from cnnpy.check.dialects.functions import FUNCTIONS

__all__ = ["DIALECTS", "Arguments", "Dialect", "Found", "find"]

DIALECTS = (*COURSE, *FUNCTIONS)
"""Every dialect, in the order of a report."""


def find(names: Iterable[str], also_called: Mapping[str, str] | None = None) -> list[Found]:
    """Find the implementations among some names.

    Parameters
    ----------
    names : iterable of str
        The functions and classes that there are.
    also_called : mapping, optional
        Of a known name, the name that it has there.

    Returns
    -------
    list of Found
        In the order of a report. One of which only forward is there is found too.

    Examples
    --------
    >>> [f.forward for f in find(["relu_forward", "relu_backward", "softmax_loss"])]
    ['relu_forward', 'softmax_loss']
    """
    there, renamed = set(names), dict(also_called or {})
    found = []
    for dialect in DIALECTS:
        for forward, backward in zip(dialect.forward, dialect.backward, strict=True):
            forward, backward = renamed.get(forward, forward), renamed.get(backward, backward)
            if forward in there:
                found.append(Found(dialect, forward, backward if backward in there else None))
    return _together(found)


def _together(found: list[Found]) -> list[Found]:
    """Put dialects of the same names together: relu is the course's and cnnpy's."""
    seen: dict[tuple[str, str | None], Found] = {}
    for one in found:
        first = seen.setdefault((one.forward, one.backward), one)
        if first is not one:
            others = (*first.others, one.dialect)
            seen[one.forward, one.backward] = replace(first, others=others)
    return list(seen.values())
