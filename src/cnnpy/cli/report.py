"""``cnnpy report``: a run as one page of HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnpy.cli.backend import BackendOption, on_backend
from cnnpy.cli.curves import TerminalCurves
from cnnpy.cli.defaults import known_name
from cnnpy.cli.output import Page, quieten_matplotlib, shown
from cnnpy.contract.errors import MissingDataError, OptionError
from cnnpy.contract.options import choice
from cnnpy.data import DATASETS, ImageSource, load
from cnnpy.page import check_place, write
from cnnpy.report import Findings, gather, page_of
from cnnpy.train import RunRecord, read_run
from cnnpy.written import percent, plural

__all__ = ["images_of", "report"]

_COMMAND = "cnnpy report"
_PARTS = ("test", "validation", "train")


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    data: Annotated[
        str | None,
        typer.Option(
            help=f"What to measure on: {', '.join(DATASETS)}, a folder of images or an .npz file.",
            show_default="what the run learned from",
        ),
    ] = None,
    part: Annotated[
        str, typer.Option(help=f"The part of the data set: {', '.join(_PARTS)}.")
    ] = _PARTS[0],
    images: Annotated[
        bool,
        typer.Option("--images/--no-images", help="Whether to measure on images at all."),
    ] = True,
    out: Annotated[
        Path | None, typer.Option(help="The page's file.", show_default="RUN/report.html")
    ] = None,
    backend: BackendOption = None,
) -> None:
    """Write a page on a run: curves, figures, mistakes, where it looks."""
    choice(*_PARTS)(_COMMAND, "--part", part)
    record = read_run(run)
    target = out or run / "report.html"
    check_place(target, _COMMAND)
    quieten_matplotlib()
    with on_backend(backend):
        dataset = images_of(_COMMAND, record, data, part) if images else None
        found = gather(record, dataset, part=part)
        write(target, page_of(found))
    page = Page()
    page.quiet = str(target) == "-"
    _print(page, found, target)


def _print(page: Page, found: Findings, target: Path) -> None:
    record = found.record
    if record.history:
        page.print(TerminalCurves(record.history))
        page.say()
    if record.best is not None:
        page.say(
            f"best epoch:    {record.best.epoch} of {len(record.history)}, "
            f"validation accuracy {percent(record.best.validation_accuracy)}"
        )
    if found.metrics is not None:
        page.say(
            f"{found.part} accuracy: {percent(found.metrics.accuracy)} "
            f"of {plural(found.metrics.n_images, 'image')}"
        )
    page.say(f"page:          {shown(target)}")


def images_of(command: str, record: RunRecord, data: str | None, part: str) -> ImageSource:
    """Load the images to measure a run on, split and brought to size as the run did.

    Parameters
    ----------
    command : str
        Who asks.
    record : RunRecord
        The run.
    data : str or None
        Another data set than the one that the run learned from.
    part : {"test", "validation", "train"}
        Which of its parts.

    Returns
    -------
    ImageSource
        The images.

    Raises
    ------
    OptionError
        Where the run does not say what it learned from.
    MissingDataError, DataError
        Where the data set is not there, or damaged.
    """
    source = data or record.data
    if source is None:
        raise OptionError(
            f"{command}: {shown(record.path)} does not say what it learned from",
            "a data set",
            "name it: --data digits",
        )
    is_folder = known_name(source) is None and Path(source).is_dir()
    try:
        splits = load(source, seed=record.seed, size=record.size if is_folder else None)
    except MissingDataError as error:
        if command != _COMMAND:
            raise
        raise MissingDataError(
            f"{command}: {error.given}",
            error.expected,
            f"{error.mend}; or leave it out: --no-images",
        ) from error
    chosen: ImageSource = getattr(splits, part)
    return chosen
