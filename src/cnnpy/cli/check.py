"""``cnnpy check``: hold somebody's layers against the definition, and say what is wrong."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cnnpy.check.checking import EFFORTS, Report, check_path
from cnnpy.check.conclusions import Conclusion
from cnnpy.check.dialects import KNOWN_NAMES, TASKS
from cnnpy.check.observe import Grade, Observation
from cnnpy.check.patterns import by_property
from cnnpy.check.snippet import array_text, snippet
from cnnpy.check.trial import Trial
from cnnpy.cli.output import Page, columns, plural, shown
from cnnpy.contract.errors import MissingDataError, OptionError
from cnnpy.contract.options import choice, integer

__all__ = ["check"]

_COMMAND = "cnnpy check"


def check(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A file, or a folder with its modules.")
    ],
    op: Annotated[
        list[str] | None, typer.Option(help="Look at this op only; may be given several times.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Try a few seconds' worth.")] = False,
    thorough: Annotated[bool, typer.Option("--thorough", help="Try minutes' worth.")] = False,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="KNOWN=THEIRS",
            help="The name that a function has there: conv_forward_naive=my_conv.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides all that is drawn.")] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Take a tie for wrong.")] = False,
) -> None:
    """Hold layers against the definition, and say what is wrong."""
    integer(0)(_COMMAND, "--seed", seed)
    if not path.exists():
        raise MissingDataError(
            f"{_COMMAND}: {shown(path)} is not there",
            "a file of Python, or a folder with such files",
            "check the path",
        )
    if path.is_file() and path.suffix != ".py":
        raise OptionError(
            f"{_COMMAND}: {shown(path)}", "a file of Python (.py)", "name the file with the layers"
        )
    for name in op or ():
        choice(*TASKS)(_COMMAND, "--op", name)
    if quick and thorough:
        raise OptionError(
            f"{_COMMAND}: --quick with --thorough", "one of the two", "leave one of them out"
        )
    effort = EFFORTS["quick" if quick else "thorough" if thorough else "ordinary"]
    report = check_path(
        path,
        effort=effort,
        seed=seed,
        ops=op or (),
        also_called=_names(map_ or ()),
        lent_from="cnnpy.cs231n",
    )
    _print(Page(), report)
    code = report.exit_code(strict)
    if code:
        raise typer.Exit(code)


def _names(pairs: Sequence[str]) -> dict[str, str]:
    names = {}
    for pair in pairs:
        known, equals, theirs = pair.partition("=")
        if not (known and equals and theirs.isidentifier()):
            raise OptionError(
                f"{_COMMAND}: --map={pair!r}",
                "a known name, =, and the name that it has there",
                "write --map conv_forward_naive=my_conv",
            )
        names[choice(*KNOWN_NAMES)(_COMMAND, "--map", known)] = theirs
    return names


def _print(page: Page, report: Report) -> None:
    if report.not_loaded is not None:
        error = report.not_loaded
        line = f", line {error.line}" if error.line else ""
        page.say(f"{report.name}{line} could not be run: {error.what}")
        page.say(f"  to mend:  {error.mend}")
        return
    if not report.trials:
        page.say(f"{report.name}: no function of a known name")
        page.say("  to mend:  name one: --map conv_forward_naive=my_conv")
        _conclude(page, report)
        return
    tried = sum(len(t.observations) for t in report.trials)
    page.say(
        f"{report.name}: {plural(len(report.trials), 'implementation')}, "
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
    trials = {t.found.forward: t for t in report.trials} | {
        t.found.backward: t for t in report.trials if t.found.backward
    }
    for k, conclusion in enumerate(report.conclusions, 1):
        page.say()
        _tell(page, k, conclusion, trials.get(conclusion.function))
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
            else _mark(trial.observations, False)
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
            _mark(trial.observations, True),
            backward,
            ", ".join(wrong),
        )
    return table


def _mark(observations: Sequence[Observation], forward: bool) -> str:
    """Say whether a pass is right in some cases."""
    grades = [
        g.grade
        for o in observations
        for g in o.findings
        if (g.finding.where == "forward" or g.finding.where in o.truth.updated) is forward
    ]
    return _WORDS[max(grades, default=None)]


_WORDS = {None: "right", Grade.NOTICE: "right", Grade.TIE: "tie", Grade.WRONG: "WRONG"}


def _properties(trial: Trial) -> Table:
    places = ["forward", *(f"d{name}" for name in trial.found.dialect.gradients)]
    table = columns(
        trial.found.forward, "cases", *places, right=("cases",), fold=(trial.found.forward,)
    )
    for name, seen in by_property(trial.observations).items():
        table.add_row(name, str(len(seen)), *(_at(seen, place) for place in places))
    return table


def _at(observations: Sequence[Observation], place: str) -> str:
    grades: list[Grade | None] = []
    for o in observations:
        failed = o.outcome.failure
        if failed is not None and (failed.where == "forward" or place != "forward"):
            grades.append(o.grade)
        grades += [g.grade for g in o.findings if g.finding.where == place]
    return _WORDS[max((g for g in grades if g is not None), default=None)]


def _tell(page: Page, k: int, c: Conclusion, trial: Trial | None) -> None:
    _wrapped(page, f"{k}. {c.grade.name}  {c.function}: {c.title}", 3)
    if c.name and c.grade is Grade.WRONG:
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
    for line in textwrap.wrap(text, width, subsequent_indent=" " * indent):
        page.say(line)


def _show(page: Page, trial: Trial, o: Observation) -> None:
    page.say("   the smallest case:")
    for line in snippet(trial.found, o).splitlines():
        page.say(f"     {line}" if line else "")
    rows = {"out": (o.outcome.out, o.truth.out)} | {
        f"d{name}": (o.outcome.gradients.get(name), want)
        for name, want in zip(trial.found.dialect.gradients, o.truth.gradients, strict=True)
    }
    wrong = {"out" if f.where == "forward" else f.where for f in o.wrong()}
    for name, (got, want) in rows.items():
        if name in wrong:
            page.say(f"   {name} is   {array_text(got)}")
            page.say(f"   {' ' * len(name)} not  {array_text(want)}")
    if o.outcome.failure is not None:
        page.say(f"   it raises {o.outcome.failure}")
