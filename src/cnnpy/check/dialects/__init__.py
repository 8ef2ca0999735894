"""How implementations are called: by a course's names, by cnnpy's, as classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cnnpy.check.dialects.course import LAYERS
from cnnpy.check.dialects.course_norms import NORMS
from cnnpy.check.dialects.course_sandwiches import SANDWICHES_OF_THE_COURSE
from cnnpy.check.dialects.dialect import Arguments, Dialect, Found
from cnnpy.check.dialects.functions import FUNCTIONS

__all__ = ["DIALECTS", "KNOWN_NAMES", "TASKS", "Arguments", "Dialect", "Found", "find"]

DIALECTS = (*LAYERS, *NORMS, *SANDWICHES_OF_THE_COURSE, *FUNCTIONS)
"""Every dialect, in the order of a report."""

TASKS = tuple(dict.fromkeys(name for d in DIALECTS for name in (d.task, d.op)))
"""What may be asked for: ops, and what a course calls them."""

KNOWN_NAMES = tuple(
    dict.fromkeys(name for d in DIALECTS for name in (*d.forward, *d.backward) if name)
)
"""The names of functions that are looked for."""


def find(functions: Mapping[str, str], also_called: Mapping[str, str] | None = None) -> list[Found]:
    """Find the implementations among some functions.

    Parameters
    ----------
    functions : mapping
        By the name of each function and class that there is, the module that has it.
    also_called : mapping, optional
        Of a known name, the name that it has there.

    Returns
    -------
    list of Found
        In the order of a report. One of which only forward is there is found too.

    Examples
    --------
    >>> names = ("relu_forward", "relu_backward", "softmax_loss")
    >>> [f.forward for f in find(dict.fromkeys(names, "layers"))]
    ['relu_forward', 'softmax_loss']
    """
    renamed = dict(also_called or {})
    found = []
    for dialect in DIALECTS:
        for forward, backward in zip(dialect.forward, dialect.backward, strict=True):
            forward, backward = renamed.get(forward, forward), renamed.get(backward, backward)
            if forward in functions:
                pair = forward, backward if backward in functions else None
                modules = {name: functions[name] for name in pair if name is not None}
                found.append(Found(dialect, *pair, modules=modules))
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
