"""A report as plain data: what JSON holds, and what the other reports are made from.

The shape is stable: ``schema`` is 1, keys are added to it and never taken away or given
another meaning. All text is printable, all numbers are JSON's.
"""

from __future__ import annotations

import json
import platform
from typing import Any, TypedDict

import numpy as np

from cnnpy.check.checking import Report
from cnnpy.check.conclusions import Conclusion
from cnnpy.check.dialects import Found
from cnnpy.check.observe import Grade, Observation
from cnnpy.check.patterns import by_property
from cnnpy.check.reports.arrays import ArrayData, as_array, as_plain, differing, results_of
from cnnpy.check.reports.words import mark_at, mark_of_pass
from cnnpy.check.snippet import array_text, snippet
from cnnpy.check.trial import Trial
from cnnpy.page.text import on_a_line, printable

__all__ = [
    "SCHEMA",
    "CaseData",
    "ConclusionData",
    "ImplementationData",
    "NotLoadedData",
    "PropertyData",
    "ReportData",
    "ResultData",
    "as_data",
    "case_of",
    "json_of",
    "to_json",
]

SCHEMA = 1
"""The version of the shape."""

_MOST_INDICES = 64
"""How many of the entries that differ are listed."""


class NotLoadedData(TypedDict):
    """Why nothing could be run: ``kind`` of error, ``line``, ``what`` it says, ``mend``."""

    kind: str
    line: int | None
    what: str
    mend: str


class PropertyData(TypedDict):
    """A property that was tried.

    ``passes`` holds, by result (``forward``, ``dx``, ...), ``right``, ``tie``,
    ``wrong`` or ``untried``; ``says`` what was seen first of each tie and wrong result.
    """

    name: str
    cases: int
    passes: dict[str, str]
    says: dict[str, str]


class ImplementationData(TypedDict):
    """An implementation that was found.

    ``forward`` and ``backward`` are names of functions, ``module`` where forward is. ``state``
    is ``tried``, ``not written`` or ``untried``; ``passes`` holds ``right``, ``tie`` or
    ``wrong`` for ``forward`` and, where that was tried, ``backward``; ``not written`` for
    a backward pass that only ever gives None.
    """

    op: str
    task: str
    forward: str
    backward: str | None
    module: str
    state: str
    cases: int
    untried: int
    passes: dict[str, str]
    properties: list[PropertyData]


class ResultData(TypedDict):
    """One result of a case: ``yours`` and the ``definition``'s, as numbers and as text.

    ``yours`` is null where it is no array of numbers. ``differs`` lists the indices of at
    most 64 of the ``n_differ`` entries that are wrong; both are null where the shapes differ.
    """

    name: str
    right: bool
    yours: ArrayData | None
    definition: ArrayData | None
    yours_text: str
    definition_text: str
    n_differ: int | None
    differs: list[list[int]] | None


class CaseData(TypedDict):
    """The smallest case that shows something: what was given, what came, and as Python."""

    property: str
    inputs: dict[str, Any]
    options: dict[str, Any]
    dout: ArrayData | None
    results: list[ResultData]
    raises: str | None
    snippet: str


class ConclusionData(TypedDict):
    """One thing that a reader is told.

    ``grade`` is ``wrong``, ``tie`` or ``notice``; ``implementation`` the index of the
    implementation that it speaks of, or null where it speaks of the whole.
    """

    grade: str
    function: str
    implementation: int | None
    name: str | None
    title: str
    cause: str | None
    mend: str | None
    details: list[str]
    certain: bool
    smallest: CaseData | None


class ReportData(TypedDict):
    """A whole report.

    ``verdict`` is ``right``, ``wrong`` or ``could not run``, and ``exit_code`` 0, 1 or 2;
    ``strict`` says whether a tie counts as wrong, ``complete`` whether all was tried.
    """

    schema: int
    name: str
    verdict: str
    exit_code: int
    strict: bool
    complete: bool
    seed: int
    seconds: float
    versions: dict[str, str]
    not_loaded: NotLoadedData | None
    unfenced: list[str]
    implementations: list[ImplementationData]
    conclusions: list[ConclusionData]


VERDICTS = ("right", "wrong", "could not run")
"""By exit code."""


def to_json(report: Report, strict: bool = False) -> str:
    """Write a report as JSON.

    Parameters
    ----------
    report : Report
        What came of a check.
    strict : bool
        Whether a tie counts as wrong.

    Returns
    -------
    str
        A `ReportData`, in ASCII, with a line break at its end.

    Examples
    --------
    >>> from cnnpy.check import run
    >>> data = json.loads(to_json(run({"relu_forward": lambda x: (np.maximum(x, 0), x)})))
    >>> data["schema"], data["verdict"], data["implementations"][0]["passes"]
    (1, 'right', {'forward': 'right'})
    """
    return json_of(as_data(report, strict))


def json_of(data: ReportData) -> str:
    """Write a report's data as JSON.

    Parameters
    ----------
    data : ReportData
        What `as_data` gives.

    Returns
    -------
    str
        JSON in ASCII.
    """
    return json.dumps(data, allow_nan=False) + "\n"


def as_data(report: Report, strict: bool = False) -> ReportData:
    """Give a report as plain data.

    Parameters
    ----------
    report : Report
        What came of a check.
    strict : bool
        Whether a tie counts as wrong.

    Returns
    -------
    ReportData
        The same as numbers, text, lists and dictionaries.
    """
    code = report.exit_code(strict)
    error = report.not_loaded
    return {
        "schema": SCHEMA,
        "name": on_a_line(report.name),
        "verdict": VERDICTS[code],
        "exit_code": code,
        "strict": strict,
        "complete": report.complete,
        "seed": report.seed,
        "seconds": round(report.seconds, 3),
        "versions": _versions(),
        "not_loaded": None
        if error is None
        else {
            "kind": printable(error.kind),
            "line": error.line,
            "what": printable(error.what),
            "mend": printable(error.mend),
        },
        "unfenced": [printable(line) for line in report.unfenced],
        "implementations": [_implementation(trial) for trial in report.trials],
        "conclusions": [_conclusion(report, c, trial) for c, trial in report.told()],
    }


def _versions() -> dict[str, str]:
    from cnnpy import __version__

    return {
        "cnnpy": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def _implementation(trial: Trial) -> ImplementationData:
    found, seen = trial.found, trial.observations
    passes = {}
    if trial.says_something:
        passes["forward"] = mark_of_pass(seen, forward=True)
        if trial.lacks_backward:
            passes["backward"] = "not written"
        elif any(o.outcome.gradients or _failed_backward(o) for o in seen):
            passes["backward"] = mark_of_pass(seen, forward=False)
    return {
        "op": found.dialect.op,
        "task": found.dialect.task,
        "forward": on_a_line(found.forward),
        "backward": None if found.backward is None else on_a_line(found.backward),
        "module": on_a_line(_module(found)),
        "state": "tried"
        if trial.says_something
        else "not written"
        if trial.is_empty
        else "untried",
        "cases": len(seen),
        "untried": trial.untried,
        "passes": passes,
        "properties": [_property(name, trial, part) for name, part in by_property(seen).items()],
    }


def _module(found: Found) -> str:
    """Name the module of forward, or of the class that it is of."""
    return found.modules.get(found.forward.partition(".")[0]) or "layers"


def _failed_backward(o: Observation) -> bool:
    failed = o.outcome.failure
    out_of_form = o.outcome.form is not None and o.outcome.out is not None
    return out_of_form or (failed is not None and failed.where == "backward")


def _property(name: str, trial: Trial, seen: list[Observation]) -> PropertyData:
    places = ["forward"]
    if trial.found.backward is not None or not trial.found.dialect.has_a_function_for_backward:
        places += [f"d{name}" for name in trial.found.dialect.gradients]
    marks = {place: mark_at(seen, place) for place in places}
    says = {
        place: _first_said(seen, place) for place, mark in marks.items() if mark in ("tie", "wrong")
    }
    return {"name": name, "cases": len(seen), "passes": marks, "says": says}


def _first_said(seen: list[Observation], place: str) -> str:
    """Give the first of the gravest findings on a result, or of the failure of its pass."""
    graded = [g for o in seen for g in o.findings if g.grade >= Grade.TIE]
    here = [g for g in graded if g.finding.where.split("[")[0] == place]
    worst = max(here or graded, key=lambda g: g.grade, default=None)
    return "" if worst is None else printable(str(worst.finding))


def _conclusion(report: Report, c: Conclusion, trial: Trial | None) -> ConclusionData:
    shown = c.shown_by if c.grade >= Grade.TIE else None
    return {
        "grade": c.grade.name.lower(),
        "function": on_a_line(c.function),
        "implementation": None if trial is None else _place_of(report, trial),
        "name": c.name,
        "title": printable(c.title),
        "cause": None if c.cause is None else printable(c.cause),
        "mend": printable(c.mend) if c.mend else None,
        "details": [printable(line) for line in c.details],
        "certain": c.certain,
        "smallest": None if shown is None or trial is None else case_of(trial, shown, c.grade),
    }


def _place_of(report: Report, trial: Trial) -> int:
    return next(k for k, other in enumerate(report.trials) if other is trial)


def case_of(trial: Trial, o: Observation, grade: Grade) -> CaseData:
    """Give a case as plain data.

    Parameters
    ----------
    trial : Trial
        What was tried on the implementation.
    o : Observation
        The case, and what came of it.
    grade : Grade
        From which grade on a result is said not to be right.

    Returns
    -------
    CaseData
        What was given, what came, what is right, and the same as Python.
    """
    failed = o.outcome.failure
    return {
        "property": o.probe.property,
        "inputs": {name: _input(value) for name, value in o.case.arrays.items()},
        "options": {name: as_plain(value) for name, value in o.case.options.items()},
        "dout": as_array(o.dout),
        "results": _results(trial, o, grade),
        "raises": None if failed is None else printable(str(failed)),
        "snippet": printable(snippet(trial.found, o)),
    }


def _input(value: Any) -> Any:
    return (
        [as_array(part) for part in value] if isinstance(value, list | tuple) else as_array(value)
    )


def _results(trial: Trial, o: Observation, grade: Grade) -> list[ResultData]:
    """Give all that came out; what is found of this grade or a graver one is not right."""
    places = {g.finding.where for g in o.findings if g.grade >= grade}
    rows: list[ResultData] = []
    for result in results_of(trial.found, o):
        right = result.place not in places
        if right and result.got is None:
            continue  # never came
        differs = None if right else differing(o, result)
        at = None if differs is None else np.argwhere(differs)[:_MOST_INDICES].tolist()
        rows.append(
            {
                "name": result.name,
                "right": right,
                "yours": as_array(result.got),
                "definition": as_array(result.want),
                "yours_text": printable(array_text(result.got)),
                "definition_text": printable(array_text(result.want)),
                "n_differ": 0 if right else None if differs is None else int(differs.sum()),
                "differs": [] if right else at,
            }
        )
    return rows
