"""``cnnpy check DIR --csv``: a folder of submissions, a line and a row each."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cnnpy.check.reports import ReportData, csv_of, json_of, junit_of, page_of, row_of
from cnnpy.check.submissions import check_submissions, find_submissions
from cnnpy.cli.errors import Stopped, Terminated
from cnnpy.cli.output import Page, is_terminal, shown
from cnnpy.contract.errors import DataError, MissingDataError, OptionError
from cnnpy.page.writing import STANDARD_OUTPUT, check_place, write
from cnnpy.written import plural

__all__ = ["check_folder"]

_COMMAND = "cnnpy check"
_EVERY_S = 1.0
"""How often the table is written anew."""

_EACH: Mapping[str, tuple[str, Callable[[ReportData], str]]] = {
    "--json": (".json", json_of),
    "--html": (".html", page_of),
    "--junit": (".xml", junit_of),
}
"""What may be written for each submission, into a folder: the end of its name, and how."""


def check_folder(
    folder: Path, table: Path, files: Mapping[str, Path | None], options: Mapping[str, Any]
) -> int:
    """Check every submission in a folder.

    Parameters
    ----------
    folder : Path
        Where they are.
    table : Path
        Where the table goes.
    files : mapping
        By option, the folder for a report of each submission; None where there is none.
    options : mapping
        For `check_submissions`.

    Returns
    -------
    int
        The exit code: 0 where all are right, 2 where none could be run, else 1.
    """
    submissions = _submissions(folder)
    check_place(table, _COMMAND)
    folders = {option: path for option, path in files.items() if path is not None}
    for option, path in folders.items():
        _make(option, path)
    page = Page()
    page.quiet = table == STANDARD_OUTPUT
    rows = _Rows(table)
    try:
        with _Bar(page, len(submissions)) as bar, rows:
            for path, data in check_submissions(submissions, **options):
                rows.add(data)
                for option, into in folders.items():
                    end, text_of = _EACH[option]
                    write(into / _name_for(path.name, end), text_of(data))
                bar.tell(data)
    except (KeyboardInterrupt, Terminated) as error:
        what = "terminated" if isinstance(error, Terminated) else "interrupted"
        done = f"{len(rows.finished)} of {plural(len(submissions), 'submission')}"
        raise Stopped(f"{what} after {done}; the table has these", error) from error
    _conclude(page, rows, table)
    return rows.exit_code


def _submissions(folder: Path) -> Sequence[Path]:
    if not folder.is_dir():
        raise OptionError(
            f"{_COMMAND}: --csv, and {shown(folder)} is no folder",
            "a folder with a file or a folder for each submission",
            "leave --csv out, or name the folder that this lies in",
        )
    found = find_submissions(folder)
    if not found:
        raise MissingDataError(
            f"{_COMMAND}: there is no submission in {shown(folder)}",
            "files of Python (.py), or folders with such files",
            "name the folder that the submissions lie in",
        )
    return found


def _make(option: str, folder: Path) -> None:
    if option not in _EACH:
        raise OptionError(
            f"{_COMMAND}: {option} with --csv",
            "a grade for one submission at a time",
            f"leave {option} out; the table has a verdict for each",
        )
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{_COMMAND}: {option} {shown(folder)}: {error.strerror}",
            "with --csv, a folder that takes one report for each submission",
            f"name a folder: {option} reports",
        ) from error


def _name_for(submission: str, end: str) -> str:
    """Name the report of a submission; a name that would be too long is made short."""
    if len(os.fsencode(submission)) > 200:
        submission = f"{submission[:40]}-{hashlib.sha256(os.fsencode(submission)).hexdigest()[:16]}"
    return submission + end


class _Rows:
    """The table of what is finished; on the disk at any time, whole."""

    def __init__(self, table: Path) -> None:
        self.table = table
        self.finished: list[ReportData] = []
        self.written = time.monotonic()

    def add(self, data: ReportData) -> None:
        """Take a row."""
        self.finished.append(data)
        if self.table != STANDARD_OUTPUT and time.monotonic() - self.written > _EVERY_S:
            write(self.table, csv_of(self.finished))
            self.written = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(error, Exception):  # one who breaks off has what is finished
            write(self.table, csv_of(self.finished))

    @property
    def exit_code(self) -> int:
        """Give the exit code of them all."""
        codes = {data["exit_code"] for data in self.finished}
        return codes.pop() if len(codes) == 1 else 1


class _Bar:
    """A bar on a terminal, and a line for each submission anywhere."""

    def __init__(self, page: Page, total: int) -> None:
        self.page = page
        self.bar: Progress | None = None
        if is_terminal() and not page.quiet:
            parts = (BarColumn(), MofNCompleteColumn(), TextColumn("submissions"))
            self.bar = Progress(*parts, TimeElapsedColumn(), console=page, transient=True)
            self.task = self.bar.add_task("", total=total)

    def tell(self, data: ReportData) -> None:
        """Say what came of a submission."""
        row = row_of(data)
        why = row["mistakes"] or row["reason"]
        ties = f" (ties: {row['ties']})" if row["ties"] else ""
        self.page.say(f"{row['submission']}: {row['verdict']}{f': {why}' if why else ''}{ties}")
        if self.bar is not None:
            self.bar.advance(self.task)

    def __enter__(self) -> Self:
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def _conclude(page: Page, rows: _Rows, table: Path) -> None:
    counts = Counter(data["verdict"] for data in rows.finished)
    words = {"right": "right", "wrong": "wrong", "could not run": "could not be run"}
    told = ", ".join(f"{counts[key]} {word}" for key, word in words.items())
    page.say(f"\n{plural(len(rows.finished), 'submission')}: {told}")
    page.say(f"table: {shown(table)}")
