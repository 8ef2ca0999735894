"""Words of a report: marks, and a conclusion as lines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cnnpy.check.observe import Grade, Observation

if TYPE_CHECKING:
    from cnnpy.check.reports.data import ConclusionData

__all__ = ["MARKS", "lines_of", "mark_at", "mark_of_pass"]

MARKS = {None: "right", Grade.NOTICE: "right", Grade.TIE: "tie", Grade.WRONG: "wrong"}
"""What is said of a pass, by the gravest grade that was found in it."""


def mark_of_pass(observations: Iterable[Observation], forward: bool) -> str:
    """Say whether a pass is right.

    Parameters
    ----------
    observations : iterable of Observation
        Of one implementation.
    forward : bool
        Which pass; what forward updates belongs to forward.

    Returns
    -------
    {"right", "tie", "wrong"}
        The mark.
    """
    grades = [
        g.grade
        for o in observations
        for g in o.findings
        if (g.finding.where == "forward" or g.finding.where in o.truth.updated) is forward
    ]
    return MARKS[max(grades, default=None)]


def mark_at(observations: Iterable[Observation], place: str) -> str:
    """Say whether one result is right.

    Parameters
    ----------
    observations : iterable of Observation
        Of one implementation.
    place : str
        The result: ``forward`` or ``d<input>``.

    Returns
    -------
    {"right", "tie", "wrong", "untried"}
        The mark; untried is a gradient that never came, where nothing is said of it.
    """
    grades: list[Grade | None] = [None]
    came = place == "forward"
    for o in observations:
        came = came or o.outcome.gradients.get(place.removeprefix("d")) is not None
        failed = o.outcome.failure
        if failed is not None and (failed.where == "forward" or place != "forward"):
            grades.append(o.grade)
        grades += [g.grade for g in o.findings if g.finding.where.split("[")[0] == place]
    worst = max((g for g in grades if g is not None), default=None)
    return MARKS[worst] if came or worst is not None else "untried"


def lines_of(c: ConclusionData, width: int = 88) -> Iterator[str]:
    """Tell a conclusion in lines of plain text.

    Parameters
    ----------
    c : ConclusionData
        What to tell.
    width : int
        Where to break lines, but for those of code.

    Yields
    ------
    str
        A line.
    """
    yield from textwrap.wrap(f"{c['grade'].upper()}  {c['function']}: {c['title']}", width)
    if c["name"] and c["grade"] == "wrong" and c["implementation"] is not None:
        yield f"known as  {c['name']}" + ("" if c["certain"] else "; other mistakes fit as well")
    for word, text in (("cause", c["cause"]), ("to mend", c["mend"])):
        if text:
            yield from textwrap.wrap(f"{word:<9} {text}", width, subsequent_indent=" " * 10)
    for line in c["details"]:
        yield from textwrap.wrap(line, width)
    shown = c["smallest"]
    if shown is None:
        return
    yield "the smallest case:" if c["grade"] == "wrong" else "a case that shows it:"
    yield from (f"  {line}" if line else "" for line in shown["snippet"].splitlines())
    for result in shown["results"]:
        if not result["right"]:
            yield f"{result['name']} is   {result['yours_text']}"
            yield f"{' ' * len(result['name'])} not  {result['definition_text']}"
    if shown["raises"]:
        yield f"it raises {shown['raises']}"
