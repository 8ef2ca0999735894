"""A report as Gradescope's results.json: a test for each row of a rubric.

The keys are those of https://gradescope-autograders.readthedocs.io/en/latest/specs/. A row
has all of its points or none: what is almost right is wrong.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from cnnpy.check.checking import Report
from cnnpy.check.reports.data import ConclusionData, ImplementationData, ReportData, as_data
from cnnpy.check.reports.rubric import Entry, Rubric
from cnnpy.check.reports.words import lines_of

__all__ = ["gradescope_of", "to_gradescope"]


def to_gradescope(report: Report, rubric: Rubric | None = None) -> str:
    """Write a report as Gradescope's results.json.

    Parameters
    ----------
    report : Report
        What came of a check.
    rubric : Rubric, optional
        The points; by default one for each pass of each implementation that is there.

    Returns
    -------
    str
        JSON.

    Examples
    --------
    >>> from cnnpy.check import run
    >>> from cnnpy.check.reports import Entry, Rubric
    >>> report = run({"relu_forward": lambda x: (np.maximum(x, 0), x)})
    >>> rubric = Rubric((Entry("relu", 2.0, "forward"), Entry("relu", 3.0, "backward")))
    >>> results = json.loads(to_gradescope(report, rubric))
    >>> [(test["name"], test["score"], test["status"]) for test in results["tests"]]
    [('relu: forward', 2.0, 'passed'), ('relu: backward', 0.0, 'failed')]
    >>> results["tests"][1]["output"]
    'not there: relu_forward has no backward pass'
    """
    return gradescope_of(as_data(report), rubric)


def gradescope_of(data: ReportData, rubric: Rubric | None = None) -> str:
    """Write a report's data as Gradescope's results.json.

    Parameters
    ----------
    data : ReportData
        What `as_data` gives; whether a tie is wrong is the rubric's to say, or its own.
    rubric : Rubric, optional
        The points.

    Returns
    -------
    str
        JSON.
    """
    rubric = rubric or _equal_points(data)
    failed = ("wrong", "tie") if rubric.tie_is_wrong or data["strict"] else ("wrong",)
    tests = [_test(data, entry, failed) for entry in rubric.entries]
    results = {
        "score": round(math.fsum(test["score"] for test in tests), 6),
        "execution_time": round(data["seconds"], 3),
        "output": "\n".join(_of_the_whole(data)),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {"cnnpy": data["versions"]["cnnpy"], "seed": data["seed"]},
    }
    return json.dumps(results, indent=1, allow_nan=False) + "\n"


def _equal_points(data: ReportData) -> Rubric:
    entries = []
    for one in data["implementations"]:
        if _is_one_function(one):
            entries.append(Entry(one["forward"], 1.0))
        else:
            entries += [Entry(one["forward"], 1.0, passed) for passed in ("forward", "backward")]
    return Rubric(tuple(dict.fromkeys(entries)))


def _test(data: ReportData, entry: Entry, failed: tuple[str, ...]) -> dict[str, Any]:
    reasons = list(_why_not(data, entry, failed))
    right = not reasons
    return {
        "name": entry.title,
        "score": entry.points if right else 0.0,
        "max_score": entry.points,
        "status": "passed" if right else "failed",
        "output": "\n\n".join(reasons or _why(data, entry)),
        "visibility": entry.visibility,
    }


def _meant(data: ReportData, entry: Entry) -> list[tuple[int, ImplementationData]]:
    every = enumerate(data["implementations"])
    return [(k, one) for k, one in every if entry.name in _names_of(one)]


def _names_of(one: ImplementationData) -> tuple[str | None, ...]:
    of_class, dot, _ = one["forward"].partition(".")
    return one["op"], one["task"], one["forward"], one["backward"], of_class if dot else None


def _why(data: ReportData, entry: Entry) -> list[str]:
    cases = sum(one["cases"] for _, one in _meant(data, entry))
    ties = [
        "\n".join(lines_of(c))
        for k, _ in _meant(data, entry)
        for c in data["conclusions"]
        if c["implementation"] == k and c["grade"] == "tie"
    ]
    return [f"right in {cases} cases", *ties]


def _why_not(data: ReportData, entry: Entry, failed: tuple[str, ...]) -> Iterator[str]:
    """Give the reasons for no points."""
    if data["not_loaded"] is not None:
        yield "it could not be run, see above"
        return
    found = _meant(data, entry)
    if not found:
        yield "not there" if data["complete"] else "not tried: the check was broken off"
    for k, one in found:
        yield from _lacks(one, entry)
        passed = _pass_of(one, entry)
        passes = (passed,) if passed else tuple(one["passes"])
        if any(one["passes"].get(name) in failed for name in passes):
            told = [c for c in data["conclusions"] if c["implementation"] == k]
            yield from _told_of([c for c in told if c["grade"] in failed], one, passed)


def _pass_of(one: ImplementationData, entry: Entry) -> str | None:
    """Give the pass that is worth the points; None for all that there is."""
    if entry.passed is not None or _is_one_function(one):
        return entry.passed
    return {one["forward"]: "forward", one["backward"]: "backward"}.get(entry.name)


def _is_one_function(one: ImplementationData) -> bool:
    """Tell whether one function gives both the output, a loss, and the gradient."""
    return one["backward"] is None and "backward" in one["passes"]


def _told_of(
    told: list[ConclusionData], one: ImplementationData, passed: str | None
) -> Iterator[str]:
    """Tell what concerns a pass; where it is not clear what does, all."""
    function = {"forward": one["forward"], "backward": one["backward"]}.get(passed or "")
    here = [c for c in told if function is None or c["function"] == function] or told
    yield from ("\n".join(lines_of(c)) for c in here)


def _lacks(one: ImplementationData, entry: Entry) -> Iterator[str]:
    if one["state"] != "tried":
        why = "not written yet" if one["state"] == "not written" else "nothing could be tried"
        yield f"{why}: {one['forward']}"
        return
    backward = one["passes"].get("backward")
    if _pass_of(one, entry) == "forward" or backward in ("right", "tie", "wrong"):
        return
    if backward == "not written":
        yield f"not written yet: {one['backward']}"
    elif one["backward"] is None:
        yield f"not there: {one['forward']} has no backward pass"
    else:
        yield f"{one['backward']} could not be tried, since forward gives nothing"


def _of_the_whole(data: ReportData) -> Iterator[str]:
    """Give the lines that speak of the submission."""
    error = data["not_loaded"]
    if error is not None:
        line = f", line {error['line']}" if error["line"] else ""
        yield f"{data['name']}{line} could not be run: {error['what']}"
        yield f"to mend:  {error['mend']}"
        return
    if not data["implementations"]:
        yield f"{data['name']}: no function of a known name"
    for c in data["conclusions"]:
        if c["implementation"] is None:
            yield from lines_of(c)
    if not data["complete"]:
        yield "the check was broken off"
