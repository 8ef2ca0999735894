"""An outcome beside the truth: what differs, by kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from cnnpy.check.breakages import one_mask_for_all
from cnnpy.check.case import Case
from cnnpy.check.compare import allowed, are_numbers, disagreement
from cnnpy.check.outcome import Outcome
from cnnpy.check.rows import row_of
from cnnpy.check.truth import Truth
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.opspec import Tolerance

__all__ = ["CHANGED_IN_FORWARD", "Finding", "Tried", "hold"]

CHANGED_IN_FORWARD = "forward changed it"


class Finding(NamedTuple):
    """One thing that is wrong: in which pass, what law is broken, and how it shows.

    Parameters
    ----------
    where : str
        ``forward``, ``backward``, ``call``, or the name of an input or gradient.
    law : str
        What should hold.
    detail : str
        How it does not.
    kind : str
        What sort of thing it is: ``values``, ``rounding``, ``shape``, ``dtype``, ``raises``,
        ``refuses``, ``form``, ``again``, ``changed``, ``shared``, ``drawn``, ``integers``,
        ``mixed`` or ``convention``.
    """

    where: str
    law: str
    detail: str
    kind: str = "values"

    def __str__(self) -> str:
        return f"{self.where}: {self.law}: {self.detail}"


class Tried(NamedTuple):
    """What was tried on an implementation, what came out, and what is right.

    Parameters
    ----------
    case : Case
        Inputs and options.
    dout : ndarray of the shape of the output
        The gradient that was sent back.
    dtype : type
        The dtype in which the implementation was called.
    outcome : Outcome
        What came out.
    truth : Truth
        What the definition says.
    rounds_to : type, optional
        The dtype to whose precision results are held; that of the call by default.
    """

    case: Case
    dout: FloatArray
    dtype: type[np.floating[Any]]
    outcome: Outcome
    truth: Truth
    rounds_to: type[np.floating[Any]] | None = None


def hold(tried: Tried, tolerance: Tolerance | None = None) -> list[Finding]:
    """Hold what came out of an implementation against the definition.

    Parameters
    ----------
    tried : Tried
        What was tried, what came out, and what is right.
    tolerance : Tolerance, optional
        The op's own by default.

    Returns
    -------
    list of Finding
        Empty where nothing is wrong.
    """
    case, dout, dtype, outcome, truth, rounds_to = tried
    if outcome.failure is not None and outcome.failure.where == "forward":
        return [_raised(outcome)]
    if outcome.form is not None and outcome.out is None:
        return [Finding("forward", "what is returned", outcome.form, "form")]
    tolerances = _tolerances(row_of(case.op).tolerance if tolerance is None else tolerance)
    call = _Call(np.dtype(dtype), np.dtype(rounds_to or dtype), _largest(case, dout))
    findings = _compare("forward", outcome.out, truth.out, truth.out_bound, tolerances[0], call)
    shared = one_mask_for_all(case, outcome.out)
    if shared is not None:
        findings.append(
            Finding("forward", "each entry is dropped by itself", shared.shows, "drawn")
        )
    for name, want in truth.updated.items():
        got = outcome.updated.get(name)
        findings += _compare(name, got, want, None, Tolerance("scale", 64), call)
    if outcome.failure is not None:
        return [*findings, _raised(outcome)]
    if outcome.form is not None:
        return [*findings, Finding("backward", "what is returned", outcome.form, "form")]
    for name, got, want, bound in _named(outcome.gradients, case, truth):
        findings += _compare(f"d{name}", got, want, bound, tolerances[1], call)
    return findings + _manners(outcome)


def _raised(outcome: Outcome) -> Finding:
    failure = outcome.failure
    assert failure is not None
    law = "an input of the domain is accepted"
    return Finding(failure.where, law, str(failure), "raises")


def _manners(outcome: Outcome) -> list[Finding]:
    """Find what is wrong beside the numbers."""
    findings = []
    if not _same(outcome.gradients, outcome.again):
        detail = "other gradients came"
        findings.append(Finding("backward", "a cache may be used twice", detail, "again"))
    for name in outcome.changed:
        detail = CHANGED_IN_FORWARD if name in outcome.changed_in_forward else "it was changed"
        findings.append(Finding(name, "inputs are never changed", detail, "changed"))
    if outcome.shared:
        detail = "two of them share memory: adding to one changes the other"
        findings.append(
            Finding("backward", "each gradient is an array of its own", detail, "shared")
        )
    return findings


def _tolerances(tolerance: Tolerance) -> tuple[Tolerance, Tolerance]:
    """Give the tolerances of forward and backward."""
    if tolerance.rule == "routed":
        return Tolerance("exact"), Tolerance("bound", tolerance.k)
    return tolerance, tolerance


def _named(
    gradients: Mapping[str, Any], case: Case, truth: Truth
) -> list[tuple[str, Any, Any, Any]]:
    """Stand every gradient beside the definition's; lists of them entry by entry."""
    rows: list[tuple[str, Any, Any, Any]] = []
    names = row_of(case.op).gradients
    for name, want, bound in zip(names, truth.gradients, truth.gradient_bounds, strict=True):
        if name not in gradients:
            continue
        got = gradients[name]
        if isinstance(want, list):
            bounds = bound or want
            if not isinstance(got, list | tuple) or len(got) != len(want):
                rows.append((name, np.zeros(0), np.zeros(1), None))  # of no shape that is right
                continue
            rows += [
                (f"{name}[{k}]", *row) for k, row in enumerate(zip(got, want, bounds, strict=True))
            ]
        else:
            rows.append((name, got, want, bound))
    return rows


class _Call(NamedTuple):
    """What a result is held to: its dtype, its precision, the largest number that went in."""

    dtype: np.dtype[Any]
    rounds_to: np.dtype[Any]
    largest: float


def _compare(
    where: str,
    got: Any,
    want: Any,
    bound: Any,
    tolerance: Tolerance,
    call: _Call,
) -> list[Finding]:
    if want is None or got is None:
        if (want is None) == (got is None):
            return []
        if got is None:
            return [Finding(where, "a result", "it is None, it was never computed", "shape")]
        detail = f"{type(got).__name__}, the definition's None"
        return [Finding(where, "None where there was no input", detail, "shape")]
    if not are_numbers(got):
        kind = getattr(got, "dtype", getattr(got, "type_name", type(got).__name__))
        return [Finding(where, "real numbers", f"it is of {kind}", "form")]
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        detail = f"{got.shape}, the definition's {want.shape}"
        return [Finding(where, "the shape", detail, "shape")]
    findings = []
    if got.dtype != call.dtype:
        findings.append(Finding(where, "the dtype of the inputs", f"{got.dtype}", "dtype"))
    distance = allowed(tolerance, call.rounds_to, want, bound, call.largest)
    detail_or_none = disagreement(got.astype(np.float64), want, distance)
    if detail_or_none is not None and not _rounded_exactly(got, want, tolerance):
        findings.append(Finding(where, "the values", detail_or_none))
    return findings


def _rounded_exactly(got: FloatArray, want: FloatArray, tolerance: Tolerance) -> bool:
    """Accept, for exact ops, the float64 truth rounded once to the dtype of `got`."""
    if tolerance.rule != "exact" or got.dtype not in (np.float32, np.float64):
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


def _same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    def equal(a: Any, b: Any) -> bool:
        if isinstance(a, list | tuple):
            return all(equal(x, y) for x, y in zip(a, b, strict=True))
        if not (are_numbers(a) and are_numbers(b)):
            return True  # what it is instead is told elsewhere
        return bool(np.array_equal(a, b, equal_nan=True))

    return all(equal(a, second[name]) for name, a in first.items())
