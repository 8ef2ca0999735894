"""Try a probe on an implementation, and grade what is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np

from cnnpy.check.case import KEYS, MIXED, WHOLE_NUMBERS, Case
from cnnpy.check.conventions import Convention, convention_of, follows
from cnnpy.check.dialects import Found
from cnnpy.check.dialects.dialect import as_given
from cnnpy.check.hold import CHANGED_IN_FORWARD, Finding, Tried, hold
from cnnpy.check.outcome import Caller, Outcome
from cnnpy.check.plans import Plan, Probe
from cnnpy.check.remembered import remembering
from cnnpy.check.rows import row_of
from cnnpy.check.truth import Truth, run_definition
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.opspec import Tolerance

__all__ = [
    "READ_ONLY",
    "Grade",
    "Graded",
    "Observation",
    "lenient",
    "observe",
    "observe_again",
    "settle",
]

READ_ONLY = "a read-only input"
"""Where it is found that a pass writes to its inputs, by the error that this gives."""


class Grade(IntEnum):
    """How grave a finding is."""

    NOTICE = 1
    TIE = 2
    WRONG = 3


@dataclass(frozen=True)
class Graded:
    """A finding with its grade.

    Parameters
    ----------
    finding : Finding
        What differs.
    grade : Grade
        How grave it is.
    convention : Convention, optional
        The convention that it follows.
    """

    finding: Finding
    grade: Grade
    convention: Convention | None = None


@dataclass(frozen=True)
class Observation:
    """What came of a probe.

    Parameters
    ----------
    probe : Probe
        What was tried.
    case : Case
        Inputs, in the dtype that they were given in, and options.
    dout : ndarray of the shape of the output
        The gradient that was sent back.
    outcome : Outcome
        What came out.
    truth : Truth
        What the definition says.
    findings : tuple of Graded
        What differs.
    """

    probe: Probe
    case: Case
    dout: FloatArray
    outcome: Outcome
    truth: Truth
    findings: tuple[Graded, ...]

    @property
    def grade(self) -> Grade | None:
        """Give the gravest grade; None where all is as it should be."""
        return max((g.grade for g in self.findings), default=None)

    @property
    def rounds_to(self) -> type[np.floating[Any]]:
        """Give the dtype to whose precision the results are held."""
        return _precision(self.probe, self.outcome)

    @property
    def is_at_the_edge(self) -> bool:
        """Tell whether it went another way than the definition where it may."""
        return any(
            g.finding.kind in ("refuses", "integers", "mixed") or g.finding.where == READ_ONLY
            for g in self.findings
        )

    @property
    def tried(self) -> Tried:
        """Give what was tried, what came out, and what is right, together."""
        dtype = self.probe.rounds_to()
        return Tried(self.case, self.dout, dtype, self.outcome, self.truth, self.rounds_to)

    def places(self, grade: Grade) -> set[str]:
        """Name the results that something of a grade is found of.

        Parameters
        ----------
        grade : Grade
            Which one.

        Returns
        -------
        set of str
            ``forward``, ``dx``, ...
        """
        return {g.finding.where for g in self.findings if g.grade is grade}

    def wrong(self) -> list[Finding]:
        """List what is wrong.

        Returns
        -------
        list of Finding
            Those graded so.
        """
        return [g.finding for g in self.findings if g.grade is Grade.WRONG]


def observe(found: Found, caller: Caller, plan: Plan, probe: Probe) -> Observation | None:
    """Try a probe.

    Parameters
    ----------
    found : Found
        The implementation.
    caller : Caller
        Who calls it.
    plan : Plan
        The op's.
    probe : Probe
        What to try.

    Returns
    -------
    Observation or None
        None where the implementation's dialect has no words for this case.
    """
    case = plan.case(probe)
    if not found.dialect.takes(case):
        return None
    if probe.manner in KEYS and not _has_a_dictionary(found, case):
        return None
    case = case.cast(probe.dtype)
    dout = _dout(case, probe)
    outcome = found.run(caller, case.map(np.copy), dout.copy(), probe.manner)
    case = found.dialect.decides(case, outcome.out)
    return _held(found, probe, case, dout, outcome)


def observe_again(found: Found, caller: Caller, plan: Plan, o: Observation) -> Observation | None:
    """Try a probe another time, on an implementation that was changed.

    Parameters
    ----------
    found : Found
        The implementation.
    caller : Caller
        Who calls it.
    plan : Plan
        The op's.
    o : Observation
        What came of the probe before: what is right of it is known.

    Returns
    -------
    Observation or None
        None where the implementation's dialect has no words for this case.
    """
    if found.dialect.decides is not as_given:  # what is right is decided anew
        return observe(found, caller, plan, o.probe)
    outcome = found.run(caller, o.case.map(np.copy), o.dout.copy(), o.probe.manner)
    known = o.truth if _precision(o.probe, outcome) is o.rounds_to else None
    return _held(found, o.probe, o.case, o.dout, outcome, known)


def _held(
    found: Found,
    probe: Probe,
    case: Case,
    dout: FloatArray,
    outcome: Outcome,
    truth: Truth | None = None,
) -> Observation:
    """Hold an outcome against the definition, which is asked where it is not known yet."""
    rounds_to = _precision(probe, outcome)
    if truth is None:
        eps = float(np.finfo(rounds_to).eps)
        truth = run_definition(case.cast(np.float64), dout.astype(np.float64), eps)
    tried = Tried(case, dout, probe.rounds_to(), outcome, truth, rounds_to)
    graded = tuple(_grade(f, found, tried, probe) for f in hold(tried) if _counts(f, probe))
    return Observation(probe, case, dout, outcome, truth, graded)


def _precision(probe: Probe, outcome: Outcome) -> type[np.floating[Any]]:
    """Give the dtype to whose precision results are held: float32 where one comes in it.

    That it is not the dtype of the inputs is found by itself.
    """
    results = (outcome.out, *outcome.gradients.values())
    is_single = any(getattr(a, "dtype", None) == np.float32 for a in results)
    return np.float32 if is_single else probe.rounds_to()


def _has_a_dictionary(found: Found, case: Case) -> bool:
    return any(isinstance(a, Mapping) for a in found.dialect.arguments(case).positional)


def _counts(finding: Finding, probe: Probe) -> bool:
    """Tell whether a finding says anything: of other dtypes any dtype may come."""
    return not (probe.manner in (WHOLE_NUMBERS, MIXED) and finding.kind == "dtype")


def _dout(case: Case, probe: Probe) -> FloatArray:
    """Make the gradient to send back: floats, or 1, 2, 3, ... for a case by hand."""
    own = case.cast(np.float64)
    forward = remembering(case.op, row_of(case.op).forward)
    out, _ = forward(*own.positional(), **own.keywords())
    shape = np.shape(out)
    if not shape:
        return np.ones((), dtype=probe.dtype)
    by_hand = probe.sizes.get("values") in ("ones", "counting", "shuffled")
    if by_hand and probe.manner != WHOLE_NUMBERS:
        return np.asarray(np.arange(1, out.size + 1, dtype=probe.dtype).reshape(shape))
    drawn = np.random.default_rng(probe.seed + 1).standard_normal(shape)
    return np.asarray(drawn, dtype=probe.dtype)


_GRADES = {
    "values": Grade.WRONG,
    "shape": Grade.WRONG,
    "form": Grade.WRONG,
    "raises": Grade.WRONG,
    "again": Grade.WRONG,
    "drawn": Grade.WRONG,
    "dtype": Grade.NOTICE,
    "changed": Grade.NOTICE,
    "shared": Grade.NOTICE,
    "refuses": Grade.NOTICE,
    "integers": Grade.NOTICE,
    "mixed": Grade.NOTICE,
}

_AT_THE_EDGE = {
    # manner: what may go wrong there without being wrong, and what it is called then
    WHOLE_NUMBERS: (("values", "shape", "form", "raises", "again"), "integers"),
    MIXED: (("values", "shape", "form", "raises", "again"), "mixed"),
    "a key more": (("raises",), "refuses"),
}


_A_NUMBER = ()
"""The shape of an array without axes, which layers of images and rows need not take."""


def _grade(finding: Finding, found: Found, tried: Tried, probe: Probe) -> Graded:
    kinds, called = _AT_THE_EDGE.get(probe.manner, ((), ""))
    if finding.kind in kinds:
        return Graded(finding._replace(kind=called), Grade.NOTICE)
    if finding.kind == "raises":
        failure = tried.outcome.failure
        assert failure is not None
        refused = failure.is_refusal and found.dialect.edge(tried.case)
        if refused or getattr(tried.case.arrays.get("x"), "shape", None) == _A_NUMBER:
            finding = finding._replace(kind="refuses")
        if probe.manner == "read-only" and "read-only" in failure.says:
            detail = CHANGED_IN_FORWARD if failure.where == "forward" else finding.detail
            finding = Finding(READ_ONLY, finding.law, detail, "changed")
    if finding.kind == "values":
        again = hold(tried, lenient(tried.case.op, tried.rounds_to or tried.dtype))
        if all(f.where != finding.where or f.kind != "values" for f in again):
            return Graded(finding._replace(kind="rounding"), Grade.NOTICE)
        convention = convention_of(tried, finding.where, found.dialect.translation(finding.where))
        if convention is not None:
            return Graded(finding._replace(kind="convention"), _grade_of(convention), convention)
    return Graded(finding, _GRADES[finding.kind])


def _grade_of(convention: Convention) -> Grade:
    return Grade.TIE if convention.is_tie else Grade.NOTICE


def settle(found: Found, observations: Sequence[Observation]) -> list[Observation]:
    """Take back conventions that an implementation follows by chance only.

    Parameters
    ----------
    found : Found
        The implementation.
    observations : sequence of Observation
        All that was tried on it.

    Returns
    -------
    list of Observation
        The same, with findings graded wrong where the convention is not kept elsewhere.
    """
    seen = {g.convention for o in observations for g in o.findings if g.convention is not None}
    kept = {c for c in seen if all(_keeps(c, found, o) for o in observations)}
    return [_with_kept(kept, found, o) for o in observations]


def _keeps(convention: Convention, found: Found, o: Observation) -> bool:
    """Tell whether an outcome follows a convention, where that differs from the definition."""
    where, truth = convention.where, o.truth
    if where not in truth.updated and where.removeprefix("d") not in o.outcome.gradients:
        return True
    gradients = dict(zip(row_of(o.case.op).gradients, truth.gradients, strict=True))
    right = Outcome(truth.out, gradients, gradients, truth.updated)
    translate = found.dialect.translation(where)
    return any(
        follows(convention, o.tried._replace(outcome=outcome), translate)
        for outcome in (right, o.outcome)
    )


def _with_kept(kept: set[Convention], found: Found, o: Observation) -> Observation:
    """Grade an observation again: by a convention that is kept everywhere, or as wrong."""

    def again(g: Graded) -> Graded:
        if g.convention is None or g.convention in kept:
            return g
        for c in kept:
            if c.where == g.finding.where and _keeps(c, found, o):
                return replace(g, grade=_grade_of(c), convention=c)
        return Graded(g.finding._replace(kind="values"), Grade.WRONG)

    return replace(o, findings=tuple(map(again, o.findings)))


_LENIENCE = {np.float64: 4096.0, np.float32: 16.0}
"""How much further off than our own kernels somebody's way of computing may be."""
_LENIENCE_OF: Mapping[tuple[str, type], float] = {("dropout", np.float64): 2.0**31}
"""Where much more may be: a mask of float32, 1/p among its numbers, drops what it should."""


def lenient(op: str, dtype: type[np.floating[Any]]) -> Tolerance:
    """Give the tolerance beyond which numbers are wrong, and not only less precise.

    Parameters
    ----------
    op : str
        A name of ``OPS``, or of a sandwich.
    dtype : type
        The dtype that is called with.

    Returns
    -------
    Tolerance
        The op's own, wider.
    """
    own = row_of(op).tolerance
    if own.rule == "exact":
        return Tolerance("bound", 8)
    return Tolerance(own.rule, own.k * _LENIENCE_OF.get((op, dtype), _LENIENCE[dtype]))
