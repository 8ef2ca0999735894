"""Words of a report: text of strangers made printable, marks, a conclusion as lines.

What a submission is called, what its errors say and what its functions are named may hold
anything: control characters that move a terminal's cursor, letters that turn the direction
of writing, halves of letters that no encoding takes. Every report holds `printable` text.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cnnpy.check.observe import Grade, Observation

if TYPE_CHECKING:
    from cnnpy.check.reports.data import ConclusionData

__all__ = ["MARKS", "lines_of", "mark_at", "mark_of_pass", "on_a_line", "printable"]

MARKS = {None: "right", Grade.NOTICE: "right", Grade.TIE: "tie", Grade.WRONG: "wrong"}
"""What is said of a pass, by the gravest grade that was found in it."""

_UNSEEN = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
"""Letters that are not seen, and change how others are."""


def printable(text: str) -> str:
    r"""Write out what cannot be printed, or would change what stands around it.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
        The same; lines and tabs stay, and all that XML, JSON, a terminal or a page may not
        hold stands there as Python would write it.

    Examples
    --------
    >>> print(printable("a\x1b[2Jb\u202ec"))
    a\x1b[2Jb\u202ec
    """
    return "".join(c if _is_plain(c) else ascii(c)[1:-1] for c in text)


def on_a_line(text: str) -> str:
    r"""Make a name printable, on one line.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
        The same; lines and tabs too stand there as Python would write them.

    Examples
    --------
    >>> print(on_a_line("two\nlines"))
    two\nlines
    """
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def _is_plain(letter: str) -> bool:
    if letter in "\n\t":
        return True
    return unicodedata.category(letter) not in ("Cc", "Cs", "Cn", "Zl", "Zp") and (
        letter not in _UNSEEN
    )


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
