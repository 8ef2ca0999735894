"""How implementations are called: by a course's names, by cnnpy's, as classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cnnpy.check.dialects.classes import CLASSES, of_classes
from cnnpy.check.dialects.course import LAYERS
from cnnpy.check.dialects.course_norms import NORMS
from cnnpy.check.dialects.course_sandwiches import SANDWICHES_OF_THE_COURSE
from cnnpy.check.dialects.dialect import Arguments, Dialect, Found
from cnnpy.check.dialects.functions import FUNCTIONS
from cnnpy.check.dialects.torch_functions import TORCH_NAMES, of_functions
from cnnpy.check.fence.offered import Offered

__all__ = [
    "DIALECTS",
    "KNOWN_NAMES",
    "TASKS",
    "TORCH_NAMES",
    "Arguments",
    "Dialect",
    "Found",
    "find",
]

DIALECTS = (*LAYERS, *NORMS, *SANDWICHES_OF_THE_COURSE, *FUNCTIONS)
"""Every dialect, in the order of a report."""

TASKS = tuple(dict.fromkeys(name for d in DIALECTS for name in (d.task, d.op)))
"""What may be asked for: ops, and what a course calls them."""

_OF_FUNCTIONS = (name for d in DIALECTS for name in (*d.forward, *d.backward) if name)

KNOWN_NAMES = (*dict.fromkeys(_OF_FUNCTIONS), *TORCH_NAMES, *CLASSES)
"""The names of functions and classes that are looked for."""


def find(
    functions: Mapping[str, Offered], also_called: Mapping[str, str] | None = None
) -> list[Found]:
    """Find the implementations among some functions.

    Parameters
    ----------
    functions : mapping
        By the name of each function and class that there is, what is known of it.
    also_called : mapping, optional
        Of a known name, the name that it has there.

    Returns
    -------
    list of Found
        In the order of a report. One of which only forward is there is found too.

    Examples
    --------
    >>> names = ("relu_forward", "relu_backward", "softmax_loss")
    >>> [f.forward for f in find(dict.fromkeys(names, Offered("layers")))]
    ['relu_forward', 'softmax_loss']
    """
    renamed = dict(also_called or {})
    found = []
    for dialect in DIALECTS:
        for forward, backward in zip(dialect.forward, dialect.backward, strict=True):
            forward, backward = renamed.get(forward, forward), renamed.get(backward, backward)
            if forward in functions:
                pair = forward, backward if backward in functions else None
                modules = {name: functions[name].module for name in pair if name is not None}
                found.append(Found(dialect, *pair, modules=modules))
    known_as = {theirs: known for known, theirs in renamed.items()}
    classes = {name: o for name, o in functions.items() if o.methods}
    alone = of_functions(functions, known_as)
    return [*_together(found), *alone, *of_classes(classes, known_as)]


def _together(found: list[Found]) -> list[Found]:
    """Put dialects of the same names together: relu is the course's and cnnpy's."""
    seen: dict[tuple[str, str | None], Found] = {}
    for one in found:
        first = seen.setdefault((one.forward, one.backward), one)
        if first is not one:
            others = (*first.others, one.dialect)
            seen[one.forward, one.backward] = replace(first, others=others)
    whole = {one.forward for one in seen.values() if one.backward is not None}
    # batchnorm_backward_alt is a second one, and may be left out
    return [one for one in seen.values() if one.backward is not None or one.forward not in whole]
