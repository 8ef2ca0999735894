"""The judge: one case, one implementation, what is wrong with it.

The implementation comes as two functions, ``forward(*inputs, **options) -> (out,
cache)`` and ``backward(dout, cache)``, and is held against the definition in
float64 on the same values.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cnnpy import reference
from cnnpy.check.case import Case
from cnnpy.check.compare import allowed, disagreement
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.ops import OPS
from cnnpy.contract.opspec import Tolerance

__all__ = ["Finding", "cases", "judge", "run_definition"]

Forward = Callable[..., tuple[Any, Any]]
Backward = Callable[[Any, Any], Any]


class Finding(NamedTuple):
    """One thing that is wrong: in which pass, what law is broken, and how it shows."""

    where: str
    law: str
    detail: str

    def __str__(self) -> str:
        return f"{self.where}: {self.law}: {self.detail}"


class Truth(NamedTuple):
    """What the definition says of a case: output, gradients, and their bounds."""

    out: FloatArray
    gradients: list[Any]
    out_bound: FloatArray | None
    gradient_bounds: list[Any]
    updated: dict[str, Any]


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
    tolerance = OPS[case.op].tolerance if tolerance is None else tolerance
    truth = run_definition(given.cast(np.float64), dout.astype(np.float64), eps, tolerance.rule)
    if layout is not None:
        given = _lay_out(given, layout)
        dout = layout(dout) if dout.ndim else dout
    before, dout_before = given.map(np.copy), dout.copy()
    findings: list[Finding] = []

    try:
        out, cache = forward(*given.positional(), **given.keywords())
        first = _gradients(case.op, backward(dout, cache))
        second = _gradients(case.op, backward(dout, cache))
    except Exception as error:
        return [Finding("call", "an input of the domain is accepted", repr(error))]

    counts = _count(first), _count(truth.gradients)
    if counts[0] != counts[1]:
        detail = f"{counts[0]}, the definition's {counts[1]}"
        return [Finding("backward", "one gradient for each input", detail)]
    tolerances = _tolerances(tolerance)
    largest = _largest(case, dout)
    findings += _compare("forward", out, truth.out, truth.out_bound, tolerances[0], dtype, largest)
    for name, got, want, bound in _named_gradients(case, first, truth):
        findings += _compare(f"d{name}", got, want, bound, tolerances[1], dtype, largest)
    for name, want in truth.updated.items():
        got = given.arrays[name]
        findings += _compare(name, got, want, None, Tolerance("scale", 64), dtype, largest)
    if not _same(first, second):
        findings.append(Finding("backward", "a cache may be used twice", "other gradients came"))
    findings += _unchanged(before, given, set(truth.updated))
    if dout.tobytes() != dout_before.tobytes():
        findings.append(Finding("dout", "inputs are never changed", "it was changed"))
    if _entangled(first):
        detail = "two of them share memory: adding to one changes the other"
        findings.append(Finding("backward", "each gradient is an array of its own", detail))
    return findings


def run_definition(case: Case, dout: FloatArray, eps: float, rule: str | None = None) -> Truth:
    """Run the definition on a case, and once more for the bounds of its tolerance.

    Parameters
    ----------
    case : Case
        Inputs and options; its updated arrays are changed.
    dout : ndarray of the shape of the output
        The gradient to send back.
    eps : float
        One rounding of the dtype under test.
    rule : str, optional
        Which bounds are wanted: a rule of :class:`Tolerance`, the op's own by default.

    Returns
    -------
    Truth
        Output, gradients and bounds.
    """
    forward = getattr(reference, f"{case.op}_forward")
    backward = getattr(reference, f"{case.op}_backward")
    own = case.map(np.copy)
    out, cache = forward(*own.positional(), **own.keywords())
    gradients = _gradients(case.op, backward(dout, cache))
    rule = OPS[case.op].tolerance.rule if rule is None else rule
    out_bound: Any = None
    bounds: list[Any] = [None] * len(gradients)
    if rule in ("bound", "spread"):
        other = case.map(np.abs)
        out_bound, bound_cache = forward(*other.positional(), **other.keywords())
        bounds = _gradients(case.op, backward(np.abs(dout), bound_cache))
        if rule == "spread":
            out_bound, *bounds = (_spread(bound) for bound in (out_bound, *bounds))
    elif rule == "scale":
        out_bound, bounds = out, gradients
        others = [(case.map(_one_rounding(eps, seed)), dout) for seed in range(_SHIFTS)]
        others.append((case.cast(np.float32), dout.astype(np.float32)))
        with np.errstate(over="ignore", invalid="ignore"):
            for other, dother in others:
                shifted, shifted_cache = forward(*other.positional(), **other.keywords())
                found = _gradients(case.op, backward(dother, shifted_cache))
                # what float32 loses on the way, brought to the dtype under test
                share = eps / _EPS_32 if dother.dtype == np.float32 else 1.0
                out_bound = _further(out, out_bound, shifted, share)
                bounds = [
                    _further(want, bound, new, share)
                    for want, bound, new in zip(gradients, bounds, found, strict=True)
                ]
    elif rule == "routed":
        bounds = _gradients(case.op, backward(np.abs(dout), cache))
    updated = {
        i.name: own.arrays[i.name]
        for i in OPS[case.op].keyword
        if i.kind.name == "UPDATED" and own.arrays[i.name] is not None
    }
    return Truth(np.asarray(out), gradients, out_bound, bounds, updated)


def _spread(bound: Any) -> Any:
    """Give every place of an image or filter the largest bound of its places."""
    if bound is None or np.ndim(bound) != 4:
        return bound
    return np.broadcast_to(bound.max(axis=(2, 3), keepdims=True, initial=0.0), bound.shape)


_SHIFTS = 6
"""How often inputs are changed: two values that are changed alike do not move their norm."""

_EPS_32 = float(np.finfo(np.float32).eps)


def _further(want: Any, bound: Any, new: Any, share: float) -> Any:
    """Move `bound` away from `want` where `share` of what `new` is off is more."""
    if want is None:
        return None
    with np.errstate(invalid="ignore"):
        moved = want + share * (new - want)
        return np.where(np.abs(moved - want) > np.abs(bound - want), moved, bound)


def _one_rounding(eps: float, seed: int) -> Callable[[Any], Any]:
    """Return a change of every float by one rounding, up or down."""
    rng = np.random.default_rng(seed)

    def change(a: Any) -> Any:
        if a.dtype.kind != "f":
            return a.copy()
        return a * (1 + eps * rng.choice([-1.0, 1.0], size=a.shape))

    return change


def _tolerances(tolerance: Tolerance) -> tuple[Tolerance, Tolerance]:
    """Give the tolerances of forward and backward."""
    if tolerance.rule == "routed":
        return Tolerance("exact"), Tolerance("bound", tolerance.k)
    return tolerance, tolerance


def _lay_out(case: Case, layout: Callable[[Any], Any]) -> Case:
    kept = {i.name for i in OPS[case.op].inputs if i.kind.name == "UPDATED"}
    moved = case.map(lambda a: layout(a) if a.ndim else a)
    return Case(case.op, {**moved.arrays, **{k: case.arrays[k] for k in kept}}, case.options)


def _gradients(op: str, found: Any) -> list[Any]:
    """Bring what backward returned into one list: one entry a gradient of the row."""
    return list(found) if len(OPS[op].gradients) > 1 else [found]


def _count(gradients: list[Any]) -> list[int]:
    """Count the gradients: one number an entry, more than one for a list."""
    return [len(g) if isinstance(g, list | tuple) else 1 for g in gradients]


def _named_gradients(case: Case, got: list[Any], truth: Truth) -> list[tuple[str, Any, Any, Any]]:
    rows: list[tuple[str, Any, Any, Any]] = []
    names = OPS[case.op].gradients
    for name, g, w, b in zip(names, got, truth.gradients, truth.gradient_bounds, strict=True):
        if isinstance(w, list):
            rows += [(f"{name}[{k}]", *row) for k, row in enumerate(zip(g, w, b or w, strict=True))]
        else:
            rows.append((name, g, w, b))
    return rows


def _compare(
    where: str,
    got: Any,
    want: Any,
    bound: Any,
    tolerance: Tolerance,
    dtype: type[np.floating[Any]],
    largest: float,
) -> list[Finding]:
    if want is None or got is None:
        missing = (want is None) != (got is None)
        detail = f"{type(got).__name__}, the definition's {type(want).__name__}"
        return [Finding(where, "None where there was no input", detail)] if missing else []
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        return [Finding(where, "the shape", f"{got.shape}, the definition's {want.shape}")]
    findings = []
    if got.dtype != np.dtype(dtype):
        findings.append(Finding(where, "the dtype of the inputs", f"{got.dtype}"))
    distance = allowed(tolerance, np.dtype(dtype), want, bound, largest)
    detail_or_none = disagreement(got.astype(np.float64), want, distance)
    if detail_or_none is not None and not _rounded_exactly(got, want, tolerance):
        findings.append(Finding(where, "the values", detail_or_none))
    return findings


def _rounded_exactly(got: FloatArray, want: FloatArray, tolerance: Tolerance) -> bool:
    """Accept, for exact ops, the float64 truth rounded once to the dtype of `got`."""
    if tolerance.rule != "exact":
        return False
    rounded = want.astype(got.dtype)
    return bool(np.all((got == rounded) | (np.isnan(got) & np.isnan(rounded))))


def _largest(case: Case, dout: FloatArray) -> float:
    values = [dout, *(a for a in case.arrays.values() if isinstance(a, np.ndarray))]
    largest = 1.0
    for value in values:
        if value.dtype.kind == "f":
            finite = np.abs(value[np.isfinite(value)])
            largest = max(largest, float(finite.max(initial=0.0)))
    return largest


def _same(first: list[Any], second: list[Any]) -> bool:
    def equal(a: Any, b: Any) -> bool:
        if isinstance(a, list | tuple):
            return all(equal(x, y) for x, y in zip(a, b, strict=True))
        return a is b or bool(np.array_equal(a, b, equal_nan=True))

    return all(equal(a, b) for a, b in zip(first, second, strict=True))


def _entangled(gradients: list[Any]) -> bool:
    """Tell whether two gradients stand in the same memory."""
    flat = [g for v in gradients for g in (v if isinstance(v, list | tuple) else [v])]
    arrays = [g for g in flat if isinstance(g, np.ndarray) and g.size]
    return any(np.shares_memory(a, b) for a, b in itertools.combinations(arrays, 2))


def _unchanged(before: Case, after: Case, updated: set[str]) -> list[Finding]:
    findings = []
    for name, old in before.arrays.items():
        olds, news = (v if isinstance(v, list) else [v] for v in (old, after.arrays[name]))
        for a, b in zip(olds, news, strict=True):
            if name not in updated and a is not None and a.tobytes() != b.tobytes():
                findings.append(Finding(name, "inputs are never changed", "it was changed"))
    return findings
