"""What ``cnnpy check`` prints: a table of implementations, of properties, then findings."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.table import Table

from cnnpy.check.checking import Report
from cnnpy.check.conclusions import Conclusion
from cnnpy.check.observe import Grade, Observation
from cnnpy.check.patterns import by_property
from cnnpy.check.reports.words import mark_at, mark_of_pass
from cnnpy.check.snippet import array_text, snippet
from cnnpy.check.trial import Trial
from cnnpy.cli.output import Page, columns
from cnnpy.page.text import on_a_line, printable
from cnnpy.written import plural

__all__ = ["print_report"]

_WORDS = {"right": "right", "tie": "tie", "wrong": "WRONG", "untried": "-"}


def print_report(page: Page, report: Report) -> None:
    """Print a report for people.

    Parameters
    ----------
    page : Page
        Where to.
    report : Report
        What came of a check.
    """
    name = on_a_line(report.name)
    if report.not_loaded is not None:
        error = report.not_loaded
        line = f", line {error.line}" if error.line else ""
        page.say(printable(f"{name}{line} could not be run: {error.what}"))
        page.say(printable(f"  to mend:  {error.mend}"))
        return
    if not report.trials:
        page.say(f"{name}: no function of a known name")
        page.say("  to mend:  name one: --map conv_forward_naive=my_conv")
        _conclude(page, report)
        return
    tried = sum(len(t.observations) for t in report.trials)
    page.say(
        f"{name}: {plural(len(report.trials), 'implementation')}, "
        f"{plural(tried, 'case')} in {report.seconds:.1f} s, seed {report.seed}"
    )
    page.say()
    page.table(_overview(report.trials))
    for trial in report.trials:
        if trial.grade is Grade.WRONG and not trial.is_empty:
            page.say()
            page.table(_properties(trial))
    _conclude(page, report)


def _conclude(page: Page, report: Report) -> None:
    for k, (conclusion, trial) in enumerate(report.told(), 1):
        page.say()
        _tell(page, k, conclusion, trial)
    for line in report.unfenced:
        page.say(f"\nnot fenced: {line}")


def _overview(trials: Sequence[Trial]) -> Table:
    table = columns(
        "implementation",
        "cases",
        "forward",
        "backward",
        "wrong for",
        right=("cases",),
        fold=("wrong for", "implementation"),
    )
    for trial in trials:
        backward = (
            ""
            if trial.found.backward is None and trial.found.dialect.has_a_function_for_backward
            else "-"
            if trial.lacks_backward
            else _WORDS[mark_of_pass(trial.observations, forward=False)]
        )
        wrong = [
            name
            for name, seen in by_property(trial.observations).items()
            if any(o.grade is Grade.WRONG for o in seen)
        ]
        if not trial.says_something:
            why = "not written yet" if trial.is_empty else "nothing could be tried"
            table.add_row(trial.found.forward, str(len(trial.observations)), "-", "-", why)
            continue
        table.add_row(
            trial.found.forward,
            str(len(trial.observations)),
            _WORDS[mark_of_pass(trial.observations, forward=True)],
            backward,
            ", ".join(wrong),
        )
    return table


def _properties(trial: Trial) -> Table:
    places = ["forward", *(f"d{name}" for name in trial.found.dialect.gradients)]
    table = columns(
        trial.found.forward, "cases", *places, right=("cases",), fold=(trial.found.forward,)
    )
    for name, seen in by_property(trial.observations).items():
        marks = (_WORDS[mark_at(seen, place)] for place in places)
        table.add_row(name, str(len(seen)), *marks)
    return table


def _tell(page: Page, k: int, c: Conclusion, trial: Trial | None) -> None:
    _wrapped(page, f"{k}. {c.grade.name}  {c.function}: {c.title}", 3)
    if c.name and c.grade is Grade.WRONG and trial is not None:
        sure = "" if c.certain else "; other mistakes fit as well"
        page.say(f"   known as  {c.name}{sure}")
    for word, text in (("cause", c.cause), ("to mend", c.mend)):
        if text:
            _wrapped(page, f"   {word:<9} {text}", 13)
    for line in c.details:
        _wrapped(page, f"   {line}", 3)
    if c.grade is Grade.WRONG and c.shown_by is not None and trial is not None:
        _show(page, trial, c.shown_by)


def _wrapped(page: Page, text: str, indent: int) -> None:
    width = max(40, min(page.width, 100))
    for line in textwrap.wrap(printable(text), width, subsequent_indent=" " * indent):
        page.say(line)


def _show(page: Page, trial: Trial, o: Observation) -> None:
    page.say("   the smallest case:")
    for line in printable(snippet(trial.found, o)).splitlines():
        page.say(f"     {line}" if line else "")
    rows = {"out": (o.outcome.out, o.truth.out)} | {
        f"d{name}": (o.outcome.gradients.get(name), want)
        for name, want in zip(trial.found.dialect.gradients, o.truth.gradients, strict=True)
    }
    wrong = {"out" if f.where == "forward" else f.where for f in o.wrong()}
    for name, (got, want) in rows.items():
        if name in wrong:
            page.say(printable(f"   {name} is   {array_text(got)}"))
            page.say(f"   {' ' * len(name)} not  {array_text(want)}")
    if o.outcome.failure is not None:
        page.say(printable(f"   it raises {o.outcome.failure}"))
