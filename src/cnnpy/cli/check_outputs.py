"""Where the reports of ``cnnpy check`` go: the terminal, files, standard output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from cnnpy.check.checking import Report
from cnnpy.check.fence.loading import LoadError
from cnnpy.check.reports import (
    ReportData,
    Rubric,
    as_data,
    gradescope_of,
    json_of,
    junit_of,
    page_of,
    read_rubric,
)
from cnnpy.cli.output import Page
from cnnpy.contract.errors import CnnpyError, OptionError
from cnnpy.page.writing import STANDARD_OUTPUT, check_place, write

__all__ = ["Outputs"]

_COMMAND = "cnnpy check"
_GRADES = "--gradescope"


class Outputs:
    """What is to be written beside what is printed.

    Parameters
    ----------
    files : mapping
        By option (``--json``, ``--html``, ``--junit``, ``--gradescope``), where to; None where
        it was not given.
    rubric : Path or None
        The points for Gradescope.
    also_called : mapping
        Of a known name, the name that it has in the submission.
    strict : bool
        Whether a tie is wrong.

    Attributes
    ----------
    page : Page
        The terminal; it says nothing where standard output belongs to a report.
    """

    def __init__(
        self,
        files: Mapping[str, Path | None],
        rubric: Path | None,
        also_called: Mapping[str, str],
        strict: bool,
    ) -> None:
        self.files = {option: path for option, path in files.items() if path is not None}
        self.strict = strict
        self.writers: dict[str, Callable[[ReportData], str]] = {
            "--json": json_of,
            "--html": page_of,
            "--junit": junit_of,
            _GRADES: self._grade,
        }
        if rubric is not None and _GRADES not in self.files:
            raise OptionError(
                f"{_COMMAND}: --rubric without {_GRADES}",
                "points for a report that has points",
                f"add {_GRADES} results.json",
            )
        _demand_one_standard_output(self.files)
        for path in self.files.values():
            check_place(path, _COMMAND)
        points = None if rubric is None else read_rubric(rubric)
        self.rubric: Rubric | None = None if points is None else points.renamed(also_called)
        self.page = Page()
        self.page.quiet = STANDARD_OUTPUT in self.files.values()

    def write(self, report: Report) -> None:
        """Write all reports that are wanted.

        Parameters
        ----------
        report : Report
            What came of a check.
        """
        data = as_data(report, self.strict)
        for option, path in self.files.items():
            write(path, self.writers[option](data))

    def write_absent(self, path: Path, error: CnnpyError) -> None:
        """Write a grade for a submission that is not there.

        Parameters
        ----------
        path : Path
            Where it should be.
        error : CnnpyError
            What is wrong with it.
        """
        if _GRADES in self.files:
            why = LoadError("absent", None, error.given.removeprefix(f"{_COMMAND}: "), error.mend)
            data = as_data(Report(path.name, not_loaded=why))
            write(self.files[_GRADES], self._grade(data))

    def _grade(self, data: ReportData) -> str:
        return gradescope_of(data, self.rubric)


def _demand_one_standard_output(files: Mapping[str, Path]) -> None:
    to_it = [option for option, path in files.items() if path == STANDARD_OUTPUT]
    if len(to_it) > 1:
        raise OptionError(
            f"{_COMMAND}: {' and '.join(f'{option} -' for option in to_it)}",
            "one report on standard output",
            f"name a file for one of them: {to_it[-1]} FILE",
        )
