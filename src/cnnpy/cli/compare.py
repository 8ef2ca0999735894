"""``cnnpy compare``: runs beside each other, and the settings in which they differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cnnpy.cli.backend import BackendOption, on_backend
from cnnpy.cli.output import Page, columns, quieten_matplotlib, shown
from cnnpy.cli.report import images_of
from cnnpy.contract.errors import OptionError
from cnnpy.page import check_place, write
from cnnpy.report import ComparedRun, comparison_page, differing, names_of, rows_of
from cnnpy.train import RunRecord, load, read_run
from cnnpy.written import clock, decimal, percent

__all__ = ["compare"]

_COMMAND = "cnnpy compare"


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="The folders of two runs or more.")
    ],
    test: Annotated[
        bool, typer.Option("--test", help="Measure each run on its test images too.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with the curves too.", show_default=False)
    ] = None,
    backend: BackendOption = None,
) -> None:
    """Show runs beside each other, and how their settings differ."""
    if len(runs) < 2:
        raise OptionError(
            f"{_COMMAND}: one run", "two runs or more", f"show it: cnnpy report {shown(runs[0])}"
        )
    if html is not None:
        check_place(html, _COMMAND)
    records = [read_run(run) for run in runs]
    rows_of(records)  # before anything is measured
    with on_backend(backend):
        names = names_of(records)
        tests = {n: _test(r) for n, r in zip(names, records, strict=True)} if test else {}
    page = Page()
    page.quiet = html is not None and str(html) == "-"
    _print(page, rows_of(records, tests), records)
    if html is not None:
        quieten_matplotlib()
        write(html, comparison_page(records, tests))
        page.say(f"\npage: {shown(html)}")


def _test(record: RunRecord) -> float:
    """Measure a run on the images that chose nothing."""
    classifier = load(record.model_path)
    return classifier.evaluate(images_of(_COMMAND, record, None, "test")).accuracy


def _print(page: Page, rows: Sequence[ComparedRun], records: Sequence[RunRecord]) -> None:
    tested = any(not math.isnan(row.test_accuracy) for row in rows)
    heads = ["epoch", "validation", "loss", *(["test"] * tested), "time", "images/s"]
    highest = max(
        (row.validation_accuracy for row in rows if not math.isnan(row.validation_accuracy)),
        default=math.nan,
    )
    table = columns("", "run", *heads, "", right=heads, fold=("run",))
    for k, row in enumerate(rows, 1):
        loss = "-" if math.isnan(row.validation_loss) else decimal(row.validation_loss)
        table.add_row(
            str(k),
            shown(row.name),
            "-" if row.best_epoch is None else f"{row.best_epoch}/{row.n_epochs}",
            percent(row.validation_accuracy),
            loss,
            *([percent(row.test_accuracy)] if tested else []),
            clock(row.seconds),
            "-" if math.isnan(row.images_per_s) else f"{row.images_per_s:,.0f}",
            "*" if row.validation_accuracy == highest else "",
        )
    page.table(table)
    page.say("\n* highest validation accuracy; the epoch is the best, whose weights are kept")
    found = differing(records)
    page.say()
    if not found:
        page.say("the settings do not differ")
        return
    numbers = [str(k) for k in range(1, len(rows) + 1)]
    table = columns("setting", *numbers, fold=("setting", *numbers))
    for name, values in found.items():
        table.add_row(name, *values)
    page.say("settings that differ")
    page.table(table)
