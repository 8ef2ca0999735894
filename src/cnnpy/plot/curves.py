"""Curves: loss and accuracy by epoch, in training and validation."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cnnpy.contract.errors import DataError
from cnnpy.plot.canvas import BLUE, GREY, INK, VERMILION, new_figure, style
from cnnpy.train import EpochReport, read_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["curves"]

_LOG_RATIO = 20.0


def curves(history: Sequence[EpochReport] | str | os.PathLike[str]) -> Figure:
    """Draw loss and accuracy by epoch, in training and validation.

    The best epoch, whose weights are kept, is marked. The loss is drawn on a
    logarithmic scale where it falls to less than a twentieth.

    Parameters
    ----------
    history : sequence of EpochReport, or path
        ``classifier.history``, or the ``metrics.csv`` of a run folder.

    Returns
    -------
    matplotlib.figure.Figure
        Two axes beside each other, 800 by 380 pixels; :func:`save` writes it.

    Raises
    ------
    DataError
        Where there is no epoch, or the file holds something else.
    MissingPackageError
        Where matplotlib is not installed.

    Examples
    --------
    >>> from cnnpy.train import EpochReport, read_metrics
    >>> epochs = [
    ...     EpochReport(1, 0.01, 2.0, 0.25, 1.5, 0.5, 900.0, 1.0, True),
    ...     EpochReport(2, 0.01, 1.0, 0.75, 1.2, 0.6, 900.0, 1.0, True),
    ... ]
    >>> loss, accuracy = curves(epochs).axes
    >>> accuracy.lines[0].get_ydata().tolist()
    [25.0, 75.0]
    """
    epochs = read_metrics(history) if isinstance(history, (str, os.PathLike)) else tuple(history)
    if not epochs:
        raise DataError(
            "curves: a history without an epoch", "at least one epoch", "train for an epoch first"
        )
    with style():
        figure = new_figure(8.0, 3.8)
        loss, accuracy = figure.subplots(1, 2)
        _draw(loss, epochs, _LOSS)
        _draw(accuracy, epochs, _ACCURACY)
        _scale_loss(loss, epochs)
        _scale_accuracy(accuracy, epochs)
        figure.legend(
            *loss.get_legend_handles_labels(),
            loc="outside upper left",
            ncols=2,
            frameon=False,
            handlelength=1.6,
        )
    return figure


# --- one panel --------------------------------------------------------------------------


class _Quantity(NamedTuple):
    """What a panel shows: its name among the epoch's numbers, its unit, its title."""

    name: str
    label: str
    scale: float
    title: str

    def of(self, epochs: Sequence[EpochReport], part: str) -> list[float]:
        return [float(getattr(epoch, f"{part}_{self.name}")) * self.scale for epoch in epochs]

    def finite(self, epochs: Sequence[EpochReport]) -> list[float]:
        return [
            value
            for part in ("train", "validation")
            for value in self.of(epochs, part)
            if math.isfinite(value)
        ]


_LOSS = _Quantity("loss", "loss (mean over images)", 1.0, "epoch {}: {:.3g}")
_ACCURACY = _Quantity("accuracy", "accuracy (%)", 100.0, "best epoch {}: {:.2f} %")


def _draw(axes: Axes, epochs: Sequence[EpochReport], quantity: _Quantity) -> None:
    from matplotlib.ticker import MaxNLocator

    numbers = [epoch.epoch for epoch in epochs]
    dots = "o-" if len(epochs) == 1 else "-"
    axes.plot(numbers, quantity.of(epochs, "train"), dots, c=BLUE, label="training")
    if _has_validation(epochs):
        held = quantity.of(epochs, "validation")
        axes.plot(numbers, held, dots, c=VERMILION, label="validation")
        _mark_best(axes, epochs, held, quantity)
    axes.set_xlabel("epoch")
    axes.set_ylabel(quantity.label)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    margin = 0.02 * (numbers[-1] - numbers[0]) + 0.1 if len(numbers) > 1 else 0.5
    axes.set_xlim(numbers[0] - margin, numbers[-1] + margin)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)


def _mark_best(
    axes: Axes, epochs: Sequence[EpochReport], held: Sequence[float], quantity: _Quantity
) -> None:
    """Mark the epoch whose weights are kept, and say so above the panel, where no curve is."""
    at = max((k for k, epoch in enumerate(epochs) if epoch.best), default=len(epochs) - 1)
    number = epochs[at].epoch
    axes.axvline(number, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    if math.isfinite(held[at]):
        axes.plot([number], [held[at]], "o", ms=6.5, mfc="white", mec=VERMILION, mew=1.8, zorder=4)
    axes.set_title(quantity.title.format(number, held[at]), loc="right", color=INK, pad=8)


def _scale_loss(axes: Axes, epochs: Sequence[EpochReport]) -> None:
    """Take a logarithmic scale where the losses span more than one order of magnitude."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    values = _LOSS.finite(epochs)
    if not values:
        return
    low, high = min(values), max(values)
    if low <= 0 or high / low < _LOG_RATIO:
        axes.set_ylim(0.0, 1.08 * high or 1.0)
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.minorticks_off()


def _scale_accuracy(axes: Axes, epochs: Sequence[EpochReport]) -> None:
    """End a little above 100 %, so that a curve along the top is seen whole."""
    low = min([*_ACCURACY.finite(epochs), 90.0])
    axes.set_ylim(low - 0.06 * (100.0 - low), 100.0 + 0.03 * (100.0 - low))


def _has_validation(epochs: Sequence[EpochReport]) -> bool:
    return any(not math.isnan(epoch.validation_accuracy) for epoch in epochs)
