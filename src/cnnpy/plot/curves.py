"""Curves: loss and accuracy by epoch, in training and validation."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cnnpy.contract.errors import DataError
from cnnpy.contract.options import choice
from cnnpy.plot.canvas import colours, new_figure, style
from cnnpy.train import EpochReport, read_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["QUANTITIES", "SCALES", "Quantity", "curves", "dress", "has_validation", "quantity_of"]

_LOG_RATIO = 20.0


def curves(
    history: Sequence[EpochReport] | str | os.PathLike[str], *, quantity: str | None = None
) -> Figure:
    """Draw loss and accuracy by epoch, in training and validation.

    The best epoch, whose weights are kept, is marked. The loss is drawn on a
    logarithmic scale where it falls to less than a twentieth.

    Parameters
    ----------
    history : sequence of EpochReport, or path
        ``classifier.history``, or the ``metrics.csv`` of a run folder.
    quantity : {"loss", "accuracy"}, optional
        Draw this one alone; both by default.

    Returns
    -------
    matplotlib.figure.Figure
        Two axes beside each other, 800 by 380 pixels, or one of 430 by 340; :func:`save`
        writes it.

    Raises
    ------
    OptionError
        Where there is no such quantity.
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
    shown = list(QUANTITIES) if quantity is None else [quantity_of("curves", quantity).name]
    with style():
        figure = new_figure(*((8.0, 3.8) if len(shown) > 1 else (4.3, 3.4)))
        panels = figure.subplots(1, len(shown), squeeze=False)[0]
        for axes, name in zip(panels, shown, strict=True):
            _draw(axes, epochs, QUANTITIES[name])
            SCALES[name](axes, QUANTITIES[name].finite(epochs))
        figure.legend(
            *panels[0].get_legend_handles_labels(),
            loc="outside upper left",
            ncols=2,
            frameon=False,
            handlelength=1.6,
        )
    return figure


# --- one panel --------------------------------------------------------------------------


class Quantity(NamedTuple):
    """What a panel shows: its name among the epoch's numbers, its unit, its title."""

    name: str
    label: str
    scale: float
    title: str

    def of(self, epochs: Sequence[EpochReport], part: str) -> list[float]:
        """Return its value in each epoch, in ``train`` or ``validation``."""
        return [float(getattr(epoch, f"{part}_{self.name}")) * self.scale for epoch in epochs]

    def finite(self, epochs: Sequence[EpochReport]) -> list[float]:
        """Return all of its values that can be drawn."""
        return [
            value
            for part in ("train", "validation")
            for value in self.of(epochs, part)
            if math.isfinite(value)
        ]


QUANTITIES = {
    "loss": Quantity("loss", "loss (mean over images)", 1.0, "epoch {}: {:.3g}"),
    "accuracy": Quantity("accuracy", "accuracy (%)", 100.0, "best epoch {}: {:.2f} %"),
}


def quantity_of(who: str, name: str) -> Quantity:
    """Return what a panel shows, by its name."""
    chosen: str = choice(*QUANTITIES)(who, "quantity", name)
    return QUANTITIES[chosen]


def _draw(axes: Axes, epochs: Sequence[EpochReport], quantity: Quantity) -> None:
    numbers = [epoch.epoch for epoch in epochs]
    dots = "o-" if len(epochs) == 1 else "-"
    axes.plot(numbers, quantity.of(epochs, "train"), dots, c=colours().blue, label="training")
    if has_validation(epochs):
        held = quantity.of(epochs, "validation")
        axes.plot(numbers, held, dots, c=colours().vermilion, label="validation")
        _mark_best(axes, epochs, held, quantity)
    dress(axes, numbers, quantity)


def dress(axes: Axes, numbers: Sequence[int], quantity: Quantity) -> None:
    """Give a panel its labels, its ticks at whole epochs, and a grid."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.set_ylabel(quantity.label)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    margin = 0.02 * (numbers[-1] - numbers[0]) + 0.1 if len(numbers) > 1 else 0.5
    axes.set_xlim(numbers[0] - margin, numbers[-1] + margin)
    axes.grid(axis="y", color=colours().grid, linewidth=0.8)
    axes.set_axisbelow(True)


def _mark_best(
    axes: Axes, epochs: Sequence[EpochReport], held: Sequence[float], quantity: Quantity
) -> None:
    """Mark the epoch whose weights are kept, and say so above the panel, where no curve is."""
    at = max((k for k, epoch in enumerate(epochs) if epoch.best), default=len(epochs) - 1)
    number = epochs[at].epoch
    axes.axvline(number, color=colours().grey, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    if math.isfinite(held[at]):
        ring = {"mfc": colours().paper, "mec": colours().vermilion, "mew": 1.8}
        axes.plot([number], [held[at]], "o", ms=6.5, zorder=4, **ring)  # type: ignore[arg-type]
    axes.set_title(quantity.title.format(number, held[at]), loc="right", color=colours().ink, pad=8)


def _scale_loss(axes: Axes, values: Sequence[float]) -> None:
    """Take a logarithmic scale where the losses span more than one order of magnitude."""
    from matplotlib.ticker import FuncFormatter, LogLocator

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


def _scale_accuracy(axes: Axes, values: Sequence[float]) -> None:
    """End a little above 100 %, so that a curve along the top is seen whole."""
    low = min([*values, 90.0])
    axes.set_ylim(low - 0.06 * (100.0 - low), 100.0 + 0.03 * (100.0 - low))


SCALES: Mapping[str, Callable[[Axes, Sequence[float]], None]] = {
    "loss": _scale_loss,
    "accuracy": _scale_accuracy,
}


def has_validation(epochs: Sequence[EpochReport]) -> bool:
    """Tell whether there was a validation set."""
    return any(not math.isnan(epoch.validation_accuracy) for epoch in epochs)
