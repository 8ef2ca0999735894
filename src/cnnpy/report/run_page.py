"""The page of a run: how it went, how good it is, where it is wrong, what it looks at."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from xml.etree.ElementTree import Element

from cnnpy import plot
from cnnpy.data import ImageSource
from cnnpy.page import document, element, printable, table
from cnnpy.report import sections
from cnnpy.report.findings import Findings, gather
from cnnpy.report.images import chart
from cnnpy.report.sections import number, percent, section
from cnnpy.report.settings import settings
from cnnpy.report.style import STYLE
from cnnpy.train import EpochReport, RunRecord
from cnnpy.written import clock, in_bytes, times

__all__ = ["page_of", "run_page"]


def run_page(record: RunRecord, dataset: ImageSource | None = None, *, part: str = "test") -> str:
    """Write the page of a run.

    Parameters
    ----------
    record : RunRecord
        The run: what :func:`cnnpy.train.read_run` gives.
    dataset : ImageSource, optional
        Images that it was not trained on; without, the page shows what needs none.
    part : str
        What these images are called on the page.

    Returns
    -------
    str
        HTML in one piece, without a script; it needs no network.

    Raises
    ------
    ModelFileError
        Where the run has no model yet, or a damaged one.
    DataError
        Where the data set has other classes.
    MissingPackageError
        Where matplotlib is not installed.
    """
    return page_of(gather(record, dataset, part=part))


def page_of(found: Findings) -> str:
    """Write what was found of a run as a page.

    Parameters
    ----------
    found : Findings
        What :func:`gather` gives.

    Returns
    -------
    str
        HTML in one piece.
    """
    main = element(
        "main",
        *_curves(found.record),
        *sections.classes(found),
        *sections.confusions(found),
        *sections.mistakes(found),
        *sections.looks(found),
        *sections.filters(found),
        *sections.maps(found),
        *sections.embedding(found),
        *_profile(found),
        *_epochs(found.record),
        *_settings(found.record),
    )
    return document(
        f"{printable(found.record.name)}: report of a run",
        element("header", *_header(found)),
        main,
        element("footer", element("p", _footer(found.record))),
        style=STYLE,
        images=True,
    )


def _header(found: Findings) -> Iterator[Element]:
    record = found.record
    yield element("h1", printable(record.name))
    what = " on ".join(
        printable(str(record.config[key])) for key in ("model", "data") if record.config.get(key)
    )
    parts = [what] if what else []
    if found.metrics is not None:
        parts.append(f"{found.part} accuracy {percent(found.metrics.accuracy)}")
    best = record.best
    if best is not None:
        if not math.isnan(best.validation_accuracy):
            parts.append(f"validation accuracy {percent(best.validation_accuracy)}")
        parts.append(f"best epoch {best.epoch} of {len(record.history)}, {clock(record.seconds)}")
    n_parameters = sum(p.size for p in found.classifier.model.parameters())
    parts.append(f"{n_parameters:,} parameters")
    yield element("p", "; ".join(parts) + ".", class_="lead")
    if found.dataset is None:
        why = "The network's scores are not finite" if found.astray else "Without images"
        yield element("p", f"{why}: no figures of a test set, no examples.", class_="note")


def _curves(record: RunRecord) -> Iterator[Element]:
    if not record.history:
        yield section("Curves", element("p", "No epoch is over yet."))
        return
    charts = [
        chart(partial(plot.curves, record.history, quantity=name), _in_words(record, name))
        for name in ("loss", "accuracy")
    ]
    yield section("Curves", element("div", *charts, class_="charts"))


def _in_words(record: RunRecord, name: str) -> str:
    """Say what a curve shows to those who cannot see it."""
    first, last = record.history[0], record.history[-1]

    def text(report: EpochReport, part: str) -> str:
        value: float = getattr(report, f"{part}_{name}")
        return percent(value) if name == "accuracy" else f"{value:.3g}"

    held = not math.isnan(last.validation_loss)
    parts = ("train", "validation") if held else ("train",)
    words = {"train": "training", "validation": "validation"}
    return f"{name} by epoch: " + "; ".join(
        f"{words[part]} from {text(first, part)} to {text(last, part)}" for part in parts
    )


def _profile(found: Findings) -> Iterator[Element]:
    p = found.profile
    heads = ("layer", "output", "forward ms", "backward ms", "share", "memory", "GFLOP/s")
    rows = [
        element(
            "tr",
            element("th", printable(row.name or row.layer), scope="row"),
            element("td", times(row.output_shape), class_="aside"),
            number(f"{row.forward_ms:.3f}"),
            number(f"{row.backward_ms:.3f}"),
            number(f"{100 * row.share:.1f} %"),
            number(in_bytes(row.activation_bytes), "aside"),
            number(f"{row.gflops_per_s:.1f}" if row.flops else "", "aside"),
        )
        for row in p.rows
    ]
    yield section(
        "Where the time goes",
        element(
            "p",
            f"A training step of {p.n_images} images takes {p.step_ms:.2f} ms "
            f"({p.forward_ms:.2f} forward, {p.backward_ms:.2f} backward) as it runs, with "
            f"neighbouring layers in one go; the layers one by one, as in the table, take "
            f"{p.sum_ms:.2f} ms. Outputs alone take {p.inference_ms:.2f} ms. All activations "
            f"together: {in_bytes(p.activation_bytes)}.",
        ),
        element(
            "details",
            element("summary", element("h3", f"{len(p.rows)} layers")),
            table(
                "times of the layers",
                heads,
                rows,
                aside=("output", "memory", "GFLOP/s"),
                numbers=heads[2:],
            ),
            open="" if len(p.rows) <= 20 else None,
        ),
    )


def _epochs(record: RunRecord) -> Iterator[Element]:
    if not record.history:
        return
    heads = ("epoch", "loss", "accuracy", "val. loss", "val. accuracy", "images/s", "s")
    rows = [
        element(
            "tr",
            element("th", f"{r.epoch}{' *' * r.best}", scope="row"),
            number(f"{r.train_loss:.4f}"),
            number(percent(r.train_accuracy)),
            number("–" if math.isnan(r.validation_loss) else f"{r.validation_loss:.4f}"),
            number(percent(r.validation_accuracy)),
            number(f"{r.images_per_s:,.0f}", "aside"),
            number(f"{r.seconds:.1f}", "aside"),
            class_="best" if r is record.best else None,
        )
        for r in record.history
    ]
    yield section(
        "Epochs",
        element(
            "details",
            element("summary", element("h3", f"{len(rows)} epochs, * the best so far")),
            table("epochs", heads, rows, aside=("images/s", "s"), numbers=heads[1:]),
        ),
    )


def _settings(record: RunRecord) -> Iterator[Element]:
    rows = [
        element("tr", element("th", name, scope="row"), element("td", value))
        for name, value in settings(record.config).items()
    ]
    if rows:
        body = table("settings", ("setting", "value"), rows)
        yield section("Settings and versions", element("div", body, class_="settings"))


def _footer(record: RunRecord) -> str:
    from cnnpy import __version__

    return f"cnnpy report {__version__}, of {printable(str(record.path))}."
