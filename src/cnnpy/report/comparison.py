"""Runs beside each other: a row each, the settings in which they differ, their curves."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from xml.etree.ElementTree import Element

from cnnpy import plot
from cnnpy.contract.errors import DataError
from cnnpy.page import document, element, printable, table
from cnnpy.report.images import chart
from cnnpy.report.sections import number, percent, section
from cnnpy.report.settings import differing
from cnnpy.report.style import STYLE
from cnnpy.train import RunRecord

__all__ = ["ComparedRun", "comparison_page", "names_of", "rows_of"]


@dataclass(frozen=True)
class ComparedRun:
    """One run among others.

    Parameters
    ----------
    name : str
        What it is called, unlike the others.
    n_epochs : int
        Epochs that are over.
    best_epoch : int or None
        The one whose weights are kept.
    validation_accuracy, validation_loss : float
        Of that epoch; NaN without a validation set.
    test_accuracy : float
        NaN where it was not measured.
    seconds : float
        All epochs together.
    images_per_s : float
        Training images a second, the median of the epochs.
    """

    name: str
    n_epochs: int
    best_epoch: int | None
    validation_accuracy: float
    validation_loss: float
    test_accuracy: float
    seconds: float
    images_per_s: float


def names_of(records: Sequence[RunRecord]) -> list[str]:
    """Call each run by its folder, or by more of its path where two are called alike.

    Parameters
    ----------
    records : sequence of RunRecord
        The runs.

    Returns
    -------
    list of str
        A name for each.
    """
    names = [record.name for record in records]
    return [
        name if names.count(name) == 1 else str(record.path)
        for name, record in zip(names, records, strict=True)
    ]


def rows_of(
    records: Sequence[RunRecord], test_accuracies: Mapping[str, float] | None = None
) -> list[ComparedRun]:
    """Bring runs into rows that can be compared.

    Parameters
    ----------
    records : sequence of RunRecord
        The runs.
    test_accuracies : mapping of str to float, optional
        By the names that :func:`names_of` gives.

    Returns
    -------
    list of ComparedRun
        In the same order.

    Raises
    ------
    DataError
        Where one run is given twice.
    """
    places = [record.path.resolve() for record in records]
    twice = next((p for p in places if places.count(p) > 1), None)
    if twice is not None:
        raise DataError(
            f"compare: {records[places.index(twice)].path} is given twice",
            "different runs",
            "leave one out",
        )
    tests = test_accuracies or {}
    rows = []
    for name, record in zip(names_of(records), records, strict=True):
        best, history = record.best, record.history
        speeds = [report.images_per_s for report in history]
        rows.append(
            ComparedRun(
                name,
                len(history),
                best.epoch if best else None,
                best.validation_accuracy if best else math.nan,
                best.validation_loss if best else math.nan,
                tests.get(name, math.nan),
                record.seconds,
                statistics.median(speeds) if speeds else math.nan,
            )
        )
    return rows


def comparison_page(
    records: Sequence[RunRecord], test_accuracies: Mapping[str, float] | None = None
) -> str:
    """Write a page of runs beside each other.

    Parameters
    ----------
    records : sequence of RunRecord
        The runs: what :func:`cnnpy.train.read_run` gives.
    test_accuracies : mapping of str to float, optional
        By the names that :func:`names_of` gives.

    Returns
    -------
    str
        HTML in one piece, without a script; it needs no network.

    Raises
    ------
    DataError
        Where one run is given twice.
    MissingPackageError
        Where matplotlib is not installed.
    """
    rows = rows_of(records, test_accuracies)
    body = [_table(rows), *_curves(rows, records), _settings(rows, records)]
    title = f"{len(rows)} runs"
    return document(
        f"{title}: cnnpy compare",
        element("header", element("h1", title)),
        element("main", *body),
        style=STYLE,
        images=True,
    )


def _table(rows: Sequence[ComparedRun]) -> Element:
    tested = any(not math.isnan(row.test_accuracy) for row in rows)
    heads = ["run", "best epoch", "validation", *(["test"] * tested), "time", "images/s"]
    highest = max(
        (r.validation_accuracy for r in rows if not math.isnan(r.validation_accuracy)),
        default=math.nan,
    )
    lines = [
        element(
            "tr",
            element("th", printable(row.name), scope="row"),
            number("–" if row.best_epoch is None else f"{row.best_epoch} of {row.n_epochs}"),
            number(percent(row.validation_accuracy)),
            *([number(percent(row.test_accuracy))] if tested else []),
            number(f"{row.seconds:,.1f} s", "aside"),
            number("–" if math.isnan(row.images_per_s) else f"{row.images_per_s:,.0f}", "aside"),
            class_="best" if row.validation_accuracy == highest else None,
        )
        for row in rows
    ]
    made = table("runs", heads, lines, numbers=heads[1:], aside=("time", "images/s"))
    return section("Results", made)


def _curves(rows: Sequence[ComparedRun], records: Sequence[RunRecord]) -> list[Element]:
    runs = {
        printable(row.name): record.history
        for row, record in zip(rows, records, strict=True)
        if record.history
    }
    if not runs:
        return []
    charts = [
        chart(
            partial(plot.compare, runs, quantity=name),
            f"{name} by epoch of the runs {', '.join(runs)}",
        )
        for name in ("accuracy", "loss")
    ]
    words = "Of the validation images; dashed, of training, where a run had none."
    return [
        section(
            "Curves",
            element("p", words, class_="note"),
            element("div", *charts, class_="charts"),
        )
    ]


def _settings(rows: Sequence[ComparedRun], records: Sequence[RunRecord]) -> Element:
    found = differing(records)
    if not found:
        return section("Settings", element("p", "They do not differ."))
    heads = ("setting", *(printable(row.name) for row in rows))
    lines = [
        element("tr", element("th", name, scope="row"), *(element("td", v) for v in values))
        for name, values in found.items()
    ]
    made = table("settings that differ", heads, lines)
    return section("Settings that differ", element("div", made, class_="settings"))
