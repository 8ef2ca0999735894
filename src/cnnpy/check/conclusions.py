"""What a reader is told: findings drawn together, worst first, each with cause and mend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cnnpy.check.breakages import OF_OTHER_DAYS, breakage_of, uses_up_its_cache
from cnnpy.check.diagnose import Diagnosis
from cnnpy.check.hold import CHANGED_IN_FORWARD, Finding
from cnnpy.check.lines import lines_of
from cnnpy.check.mistakes import MISTAKES, Mistake
from cnnpy.check.observe import READ_ONLY, Grade, Graded, Observation
from cnnpy.check.patterns import what_holds
from cnnpy.check.trial import Trial

__all__ = ["Conclusion", "conclusions_of"]


@dataclass(frozen=True)
class Conclusion:
    """One thing that a reader is told of an implementation.

    Parameters
    ----------
    grade : Grade
        How grave it is.
    title : str
        What is wrong, in a sentence.
    function : str
        Where.
    name : str or None
        The name of the mistake; None where none that is known fits.
    cause, mend : str or None
        Where it comes from, what to write instead.
    details : tuple of str
        What else was seen.
    shown_by : Observation or None
        A case that shows it.
    certain : bool
        Whether nothing else that is known fits what was seen.
    """

    grade: Grade
    title: str
    function: str
    name: str | None = None
    cause: str | None = None
    mend: str | None = None
    details: tuple[str, ...] = ()
    shown_by: Observation | None = None
    certain: bool = True


def conclusions_of(trial: Trial) -> list[Conclusion]:
    """Draw together what was found in a trial.

    Parameters
    ----------
    trial : Trial
        All that was tried on one implementation.

    Returns
    -------
    list of Conclusion
        Worst first.
    """
    if trial.is_empty:
        title = "not written yet: it returns None"
        return [Conclusion(Grade.NOTICE, title, trial.found.forward, "not_written")]
    found = [*_wrong(trial), *_conventions(trial), *_notices(trial), *_besides(trial)]
    titles = {c.title for c in found if c.name in OF_OTHER_DAYS}
    if trial.divided is not None and titles:
        found = [c for c in found if c.name in OF_OTHER_DAYS]
        behind = (c for c in conclusions_of(trial.divided) if c.title not in titles)
        found += [
            replace(c, details=(*c.details, _BEHIND)) if c.grade >= Grade.TIE else c for c in behind
        ]
    return sorted(found, key=lambda c: -c.grade)


_BEHIND = "it was seen once / gave whole sizes: mend that first"


_SLOW = 1 / 3
"""From what share of the time of plain loops on something is not fast: whole arrays take less
than a twentieth."""

_FASTER = "Work on all windows at once: sliding_window_view and tensordot, or im2col and @."


def _besides(trial: Trial) -> Iterator[Conclusion]:
    """Tell what is no finding of a case: what is missing, slow or untried."""
    forward, backward = trial.found.forward, trial.found.backward
    if backward is None and trial.found.dialect.has_a_function_for_backward:
        title = "there is no backward pass, so forward alone was tried"
        yield Conclusion(Grade.NOTICE, title, forward, "no_backward")
    elif trial.lacks_backward:
        title = "not written yet: all its gradients are None"
        yield Conclusion(Grade.NOTICE, title, backward or forward, "not_written")
    if trial.pace is not None and trial.pace > _SLOW:
        title = f"it takes {trial.pace:.1f} of the time of plain loops over every entry"
        yield Conclusion(Grade.NOTICE, title, forward, "slow", mend=_FASTER)
    if trial.found.dialect.remark is not None:
        yield Conclusion(Grade.NOTICE, trial.found.dialect.remark, forward, "convention")
    if not trial.observations:
        title = "nothing was tried: no case could be put into its words"
        yield Conclusion(Grade.NOTICE, title, forward, "untried")
    if trial.untried:
        title = f"time was up before {trial.untried} more cases could be tried"
        yield Conclusion(Grade.NOTICE, title, forward, "untried")


def _wrong(trial: Trial) -> Iterator[Conclusion]:
    if trial.grade is not Grade.WRONG:
        return
    diagnosis = trial.diagnosis or _used_up(trial)
    if diagnosis is None:
        alone = _without_a_name(trial, None)
        yield replace(alone, details=(*alone.details, *_of_both_passes(trial)))
        return
    for mistake, places in diagnosis.mistakes.items():
        also = [m for other in diagnosis.also for m in other if m not in diagnosis.mistakes]
        shown = _shown(trial, places)
        yield Conclusion(
            Grade.WRONG,
            mistake.shows,
            _function(trial, shown, places),
            mistake.name,
            mistake.cause,
            mistake.mend,
            (*_line(trial, mistake.name), *_also(also)),
            shown,
            certain=not also,
        )
    if diagnosis.rest:
        yield _without_a_name(trial, diagnosis.rest)


def _of_both_passes(trial: Trial) -> Iterator[str]:
    """Say whether backward is right for the forward pass that is wrong."""
    shown = trial.smallest.get("forward")
    wrong = {f.where for f in shown.wrong()} if shown is not None else set()
    also = {name: agrees for name, agrees in trial.agreement.items() if f"d{name}" in wrong}
    if also and all(also.values()):
        yield "in this case backward is the gradient of the forward pass as it is: look at both"
    for name, agrees in also.items():
        if not agrees:
            yield f"d{name} is not the gradient of this forward pass either"


def _without_a_name(trial: Trial, places: frozenset[str] | None) -> Conclusion:
    """Say what is seen of what no known mistake accounts for."""
    shown = _unbroken(trial, places) or _shown(trial, places)
    title, failure = "it is wrong", None
    if shown is not None:
        here = [f for f in shown.wrong() if places is None or f.where in places]
        title, failure = str((here or shown.wrong())[0]), shown.outcome.failure
    lines, meaning = what_holds(trial.observations, places)
    name = _OUTDATED if places is None and _is_outdated(trial) else None
    if name is not None:
        title, lines = f"it is written for Python 2 or an older NumPy: {failure}", lines[:1]
    elif meaning is not None:
        title, lines = f"{meaning}, as it seems", [*lines, title]
    return Conclusion(
        Grade.WRONG,
        title,
        _function(trial, shown, places),
        name,
        mend=None if failure is None else failure.mend,
        details=tuple(lines),
        shown_by=shown,
    )


_OUTDATED = "outdated"


def _is_outdated(trial: Trial) -> bool:
    """Tell whether all that goes wrong is an error that code of other days makes."""
    failures = [o.outcome.failure for o in trial.observations if o.wrong()]
    return bool(failures) and all(f is not None and f.mend is not None for f in failures)


def _shown(trial: Trial, places: frozenset[str] | None) -> Observation | None:
    """Choose the case to show: that of the first result that is wrong."""
    for place, smallest in trial.smallest.items():
        if places is None or place in places:
            return smallest
    return next(iter(trial.smallest.values()), None)


def _unbroken(trial: Trial, places: frozenset[str] | None) -> Observation | None:
    """Choose a case that no error with a name of its own breaks, where others are broken so."""
    shown = _shown(trial, places)
    if places is None or shown is None:
        return None
    if breakage_of(shown.outcome.failure, shown.case) is None:
        return None
    others = (o for o in trial.observations if {f.where for f in o.wrong()} & places)
    return next((o for o in others if o.outcome.failure is None), None)


def _used_up(trial: Trial) -> Diagnosis | None:
    """Name what makes a second backward call wrong, where nothing else is."""
    findings = [g.finding for _, g in _graded(trial)]
    if any(f.kind != "again" for o in trial.observations for f in o.wrong()):
        return None
    for f in findings:
        name = _beside_the_numbers(trial.found.dialect.op, f) if f.kind == "changed" else ""
        if name in MISTAKES:
            return Diagnosis({MISTAKES[name]: frozenset({"backward"})})
    if any(f.kind == "changed" for f in findings):  # which of the two it is cannot be told
        return None
    return Diagnosis({uses_up_its_cache(): frozenset({"backward"})})


def _line(trial: Trial, mistake: str | None) -> tuple[str, ...]:
    """Point at the line that makes a mistake, where one can."""
    functions = {"forward": trial.found.forward, "backward": trial.found.backward or ""}
    line = lines_of(mistake or "", functions, trial.sources)
    return (line,) if line else ()


def _also(others: list[Mistake]) -> tuple[str, ...]:
    return tuple(f"or: {m.shows} {m.cause}" for m in dict.fromkeys(others))


def _function(trial: Trial, shown: Observation | None, places: frozenset[str] | None = None) -> str:
    """Name the function in which it shows: forward where that is wrong too."""
    if places is None:
        places = frozenset(f.where for f in shown.wrong()) if shown else frozenset({"forward"})
    of_forward = {"forward", *(() if shown is None else shown.truth.updated)}
    backward = trial.found.backward
    return trial.found.forward if backward is None or places & of_forward else backward


def _graded(trial: Trial) -> Iterator[tuple[Observation, Graded]]:
    for o in trial.observations:
        for graded in o.findings:
            yield o, graded


def _conventions(trial: Trial) -> Iterator[Conclusion]:
    seen = set()
    for o, graded in _graded(trial):
        convention = graded.convention
        if convention is None or convention.name in seen:
            continue
        seen.add(convention.name)
        where = trial.found.backward or trial.found.forward
        name = convention.mistake or "convention"
        lines = _line(trial, convention.mistake)
        is_tie = graded.grade is Grade.TIE
        of_grade = trial.smallest_tie if is_tie else trial.smallest_convention
        shown = of_grade.get(convention.where, o)
        yield Conclusion(
            graded.grade, convention.name, where, name, convention.why, None, lines, shown
        )


_TITLES = {
    # kind: what is said of one result, and of several
    "dtype": ("is {detail} for {given} input", "are {detail} for {given} input"),
    "changed": ("is written to: the caller's array changes", "are written to: they change"),
    "shared": ("stands in the memory of another gradient: adding to one changes both",) * 2,
    "rounding": ("is right, but less precise than it could be", "are right, but less precise"),
    "refuses": ("refuses some input at the edge of its domain",) * 2,
    "integers": ("goes wrong for arrays of whole numbers", "go wrong for arrays of whole numbers"),
    "mixed": ("goes wrong for float32 beside float64", "go wrong for float32 beside float64"),
}
_WITH_DETAIL = ("refuses", "integers", "mixed")


def _notices(trial: Trial) -> Iterator[Conclusion]:
    """Tell each kind of thing once for all results of a function that it is true of."""
    wheres: dict[tuple[str, ...], list[str]] = {}
    first: dict[tuple[str, ...], Observation] = {}
    for o, graded in _graded(trial):
        f = graded.finding
        if graded.grade is not Grade.NOTICE or f.kind not in _TITLES:
            continue
        if f.kind in ("integers", "mixed") and trial.grade is Grade.WRONG:
            continue  # it would only say the same again
        name = _beside_the_numbers(trial.found.dialect.op, f)
        key = f.kind, _of(trial, f), name, f.detail if f.kind == "dtype" else ""
        first.setdefault(key, o)
        if f.where not in wheres.setdefault(key, []):
            wheres[key].append(f.where)
    written = any(of[0] == "changed" and READ_ONLY not in wheres[of] for of in wheres)
    for of, places in wheres.items():
        if not (written and READ_ONLY in places):
            yield _notice(of, places, first[of])


def _notice(key: tuple[str, ...], places: list[str], o: Observation) -> Conclusion:
    kind, function, name, detail = key
    one, several = _TITLES[kind]
    given = o.probe.dtype.__name__
    words = (one if len(places) == 1 else several).format(detail=detail, given=given)
    said = next(g.finding.detail for g in o.findings if g.finding.kind == kind)
    details = (said,) if kind in _WITH_DETAIL else ()
    title = f"{_and(places)} {words}"
    return Conclusion(Grade.NOTICE, title, function, name, details=details, shown_by=o)


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _beside_the_numbers(op: str, f: Finding) -> str:
    """Name a mistake that does not show in numbers; the kind of finding where none is known."""
    ends = {
        "changed": f"into_{f.where}",
        "dtype": f"returns_{f.detail}",
        "shared": "one_array_twice",
    }
    end = ends.get(f.kind)
    for mistake in MISTAKES.values():
        if end is not None and mistake.op == op and mistake.name.endswith(end):
            return mistake.name
    return f.kind


def _of(trial: Trial, f: Finding) -> str:
    """Name the function that a notice is true of."""
    in_forward = f.where == "forward" or f.detail == CHANGED_IN_FORWARD
    if in_forward or trial.found.backward is None:
        return trial.found.forward
    return trial.found.backward
