"""The judge: one case, one implementation, what is wrong with it.

The implementation comes as two functions, ``forward(*inputs, **options) -> (out,
cache)`` and ``backward(dout, cache)``, and is held against the definition in
float64 on the same values.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.compare import entangled
from cnnpy.check.hold import Finding, Tried, hold
from cnnpy.check.outcome import Outcome
from cnnpy.check.rows import row_of
from cnnpy.check.truth import as_list, run_definition
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.opspec import Tolerance

__all__ = ["cases", "judge"]

Forward = Callable[..., tuple[Any, Any]]
Backward = Callable[[Any, Any], Any]


def cases(op: str) -> Any:
    """Return the module that draws cases of an op: its ``draw`` and its ``ROWS``.

    Parameters
    ----------
    op : str
        A name of ``OPS``.

    Returns
    -------
    module
        ``cnnpy.check.cases.<op>``.
    """
    return importlib.import_module(f"cnnpy.check.cases.{op}")


def judge(
    case: Case,
    forward: Forward,
    backward: Backward,
    dout: FloatArray,
    *,
    dtype: type[np.floating[Any]] = np.float64,
    layout: Callable[[Any], Any] | None = None,
    tolerance: Tolerance | None = None,
) -> list[Finding]:
    """Hold an implementation against the definition on one case.

    Parameters
    ----------
    case : Case
        Inputs, in float64, and options.
    forward, backward : callable
        The implementation.
    dout : ndarray of the shape of the output
        The gradient to send back.
    dtype : type
        The dtype in which the implementation is called.
    layout : callable, optional
        Brings every array into another memory layout.
    tolerance : Tolerance, optional
        The op's own by default; one of the row's others where it is computed that way.

    Returns
    -------
    list of Finding
        Empty where nothing is wrong.
    """
    given = case.cast(dtype)
    dout = np.array(dout, dtype=dtype)
    # the truth starts from the values as they are in `dtype`
    eps = float(np.finfo(dtype).eps)
    tolerance = row_of(case.op).tolerance if tolerance is None else tolerance
    truth = run_definition(given.cast(np.float64), dout.astype(np.float64), eps, tolerance.rule)
    if layout is not None:
        given = _lay_out(given, layout)
        dout = layout(dout) if dout.ndim else dout
    before, dout_before = given.map(np.copy), dout.copy()
    try:
        out, cache = forward(*given.positional(), **given.keywords())
        first = as_list(case.op, backward(dout, cache))
        second = as_list(case.op, backward(dout, cache))
    except Exception as error:
        return [Finding("call", "an input of the domain is accepted", repr(error), "raises")]
    counts = _count(first), _count(truth.gradients)
    if counts[0] != counts[1]:
        detail = f"{counts[0]}, the definition's {counts[1]}"
        return [Finding("backward", "one gradient for each input", detail, "form")]
    changed = _changed(before, given, set(truth.updated))
    if dout.tobytes() != dout_before.tobytes():
        changed.append("dout")
    names = row_of(case.op).gradients
    outcome = Outcome(
        out,
        dict(zip(names, first, strict=True)),
        dict(zip(names, second, strict=True)),
        {name: given.arrays[name] for name in truth.updated},
        changed=tuple(changed),
        shared=entangled(first),
    )
    return hold(Tried(case, dout, dtype, outcome, truth), tolerance)


def _lay_out(case: Case, layout: Callable[[Any], Any]) -> Case:
    kept = {i.name for i in row_of(case.op).inputs if i.kind.name == "UPDATED"}
    moved = case.map(lambda a: layout(a) if a.ndim else a)
    return Case(case.op, {**moved.arrays, **{k: case.arrays[k] for k in kept}}, case.options)


def _count(gradients: list[Any]) -> list[int]:
    """Count the gradients: one number an entry, more than one for a list."""
    return [len(g) if isinstance(g, list | tuple) else 1 for g in gradients]


def _changed(before: Case, after: Case, updated: set[str]) -> list[str]:
    """Name the inputs that are not as they were."""
    changed = []
    for name, old in before.arrays.items():
        olds, news = (v if isinstance(v, list) else [v] for v in (old, after.arrays[name]))
        for a, b in zip(olds, news, strict=True):
            if name not in updated and a is not None and a.tobytes() != b.tobytes():
                changed.append(name)
    return changed
