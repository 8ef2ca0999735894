"""``cnnpy check``: hold somebody's layers against the definition, and say what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cnnpy.check.checking import EFFORTS, Report, check_path
from cnnpy.check.dialects import KNOWN_NAMES, TASKS, Found
from cnnpy.cli.check_folder import check_folder
from cnnpy.cli.check_outputs import Outputs
from cnnpy.cli.check_page import print_report
from cnnpy.cli.errors import Stopped, Terminated
from cnnpy.cli.output import Page, is_terminal, shown
from cnnpy.contract.errors import MissingDataError, OptionError
from cnnpy.contract.options import choice, integer
from cnnpy.written import plural

__all__ = ["check"]

_COMMAND = "cnnpy check"
_FILE = "FILE"
_LENDER = "cnnpy.cs231n"


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
    json: Annotated[
        Path | None, typer.Option(metavar=_FILE, help="Write the whole report as JSON; - prints.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar=_FILE, help="Write a page with pictures.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar=_FILE, help="Write JUnit XML, for CI.")
    ] = None,
    gradescope: Annotated[
        Path | None, typer.Option(metavar=_FILE, help="Write Gradescope's results.json.")
    ] = None,
    rubric: Annotated[
        Path | None, typer.Option(metavar=_FILE, help="The points for Gradescope, as TOML.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar=_FILE,
            help="PATH is a folder of submissions: check each, and write a row for it; - prints."
            " --json, --html and --junit then name folders.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(help="With --csv, how many to check at once.", show_default="the cores"),
    ] = None,
) -> None:
    """Hold layers against the definition, and say what is wrong."""
    integer(0)(_COMMAND, "--seed", seed)
    for name in op or ():
        choice(*TASKS)(_COMMAND, "--op", name)
    if quick and thorough:
        raise OptionError(
            f"{_COMMAND}: --quick with --thorough", "one of the two", "leave one of them out"
        )
    effort = "quick" if quick else "thorough" if thorough else "ordinary"
    names = _names(map_ or ())
    if jobs is not None:
        integer(1)(_COMMAND, "--jobs", jobs)
        if csv is None:
            raise OptionError(
                f"{_COMMAND}: --jobs without --csv",
                "a folder of submissions, of which several are checked at once",
                "add --csv table.csv, or leave --jobs out",
            )
    files = {"--json": json, "--html": html, "--junit": junit, "--gradescope": gradescope}
    options: dict[str, Any] = {
        "seed": seed,
        "ops": op or (),
        "also_called": names,
        "lent_from": _LENDER,
    }
    if csv is not None:
        options |= {"effort": effort, "strict": strict, "jobs": jobs}
        _leave(check_folder(path, csv, files | {"--rubric": rubric}, options))
        return
    outputs = Outputs(files, rubric, names, strict)
    _look_at(path, outputs)
    watch = _Watch(outputs.page)
    try:
        with watch:
            report = check_path(path, effort=EFFORTS[effort], follow=watch, **options)
    except (KeyboardInterrupt, Terminated) as error:
        raise Stopped(_farewell(error, watch, outputs, path), error) from error
    outputs.write(report)  # first: who reads what is printed may have had enough
    print_report(outputs.page, report)
    _leave(report.exit_code(strict))


def _leave(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _look_at(path: Path, outputs: Outputs) -> None:
    """Demand something that can be checked; where a grade is wanted, give one for nothing."""
    try:
        _demand(path)
    except (MissingDataError, OptionError) as error:
        outputs.write_absent(path, error)
        raise


def _demand(path: Path) -> None:
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


class _Watch:
    """Show on a terminal what is being tried, and remember what was found so far."""

    def __init__(self, page: Page) -> None:
        self.report: Report | None = None
        self.status = page.status("importing ...") if is_terminal() and not page.quiet else None

    def __call__(self, report: Report, one: Found) -> None:
        self.report = report
        if self.status is not None:
            self.status.update(f"trying {one.forward} ...")

    def __enter__(self) -> None:
        if self.status is not None:
            self.status.start()

    def __exit__(self, *error: object) -> None:
        if self.status is not None:
            self.status.stop()


def _farewell(error: BaseException, watch: _Watch, outputs: Outputs, path: Path) -> str:
    """Print and write what was found until somebody broke off; say so in a line."""
    what = "terminated" if isinstance(error, Terminated) else "interrupted"
    if watch.report is None or not watch.report.trials:
        mend = "submit again, or give the check more time"
        outputs.write_absent(path, OptionError(f"the check was {what}", "its end", mend))
        return f"{what}: nothing was tried yet"
    outputs.write(watch.report)
    print_report(outputs.page, watch.report)
    return f"{what} after {plural(len(watch.report.trials), 'implementation')}; the rest is untried"
