"""Many reports as one table: CSV, a row a submission."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from cnnpy.check.dialects import DIALECTS
from cnnpy.check.reports.data import ConclusionData, ImplementationData, ReportData

__all__ = ["csv_of", "row_of"]

_GRAVEST = ("wrong", "tie", "not written", "untried", "right")
"""What is said of a task, gravest first."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""With what a spreadsheet would begin to compute."""


def csv_of(reports: Iterable[ReportData]) -> str:
    """Write reports as a table.

    Parameters
    ----------
    reports : iterable of ReportData
        One a submission, in any order.

    Returns
    -------
    str
        CSV with a head, sorted by the submissions' names. What a spreadsheet would take for
        a formula has an apostrophe in front, as OWASP advises.
    """
    sorted_ = sorted(reports, key=lambda data: data["name"])
    rows = [row_of(data) for data in sorted_]
    there = {task for data in sorted_ for task in _tasks(data)}
    known = [t for t in dict.fromkeys(d.task for d in DIALECTS) if t in there]
    tasks = [*known, *sorted(there.difference(known))]
    heads = ["submission", "verdict", *tasks, "mistakes", "ties", "seconds", "reason"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    for row in rows:
        writer.writerow([_harmless(row.get(head, "")) for head in heads])
    return text.getvalue()


def row_of(data: ReportData) -> dict[str, str]:
    """Give the row of a submission.

    Parameters
    ----------
    data : ReportData
        What came of it.

    Returns
    -------
    dict
        By column: ``submission``, ``verdict``, each task that is there, ``mistakes``,
        ``ties``, ``seconds``, ``reason``.
    """
    return {
        "submission": data["name"],
        "verdict": data["verdict"],
        **_tasks(data),
        "mistakes": "; ".join(dict.fromkeys(map(_called, _of_grade(data, "wrong")))),
        "ties": "; ".join(dict.fromkeys(c["function"] for c in _of_grade(data, "tie"))),
        "seconds": f"{data['seconds']:.1f}",
        "reason": " ".join(_reason(data).split()),
    }


def _of_grade(data: ReportData, grade: str) -> list[ConclusionData]:
    return [c for c in data["conclusions"] if c["grade"] == grade]


def _called(c: ConclusionData) -> str:
    """Give the name of a mistake, or where one without a name is."""
    return c["name"] or f"{c['function']} is wrong"


def _tasks(data: ReportData) -> Mapping[str, str]:
    marks: dict[str, list[str]] = {}
    for one in data["implementations"]:
        state = one["state"]
        marks.setdefault(one["task"], []).extend(
            one["passes"].values() if state == "tried" else [state]
        )
    return {task: _gravest(seen) for task, seen in marks.items()}


def _gravest(marks: Sequence[str]) -> str:
    return min(marks, key=_GRAVEST.index)


def _reason(data: ReportData) -> str:
    error = data["not_loaded"]
    if error is not None:
        line = f"line {error['line']}: " if error["line"] else ""
        return f"{line}{error['what']}"
    if not data["implementations"]:
        return "no function of a known name"
    if data["exit_code"] == 2:
        return ", ".join(dict.fromkeys(map(_state, data["implementations"])))
    return ""


def _state(one: ImplementationData) -> str:
    if one["passes"].get("backward") == "not written":
        return f"not written: {one['backward']}"
    return one["state"]


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
