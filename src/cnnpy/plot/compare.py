"""Compare: the curves of several runs in one panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cnnpy.contract.errors import DataError
from cnnpy.plot.canvas import colours, new_figure, style
from cnnpy.plot.curves import SCALES, dress, has_validation, quantity_of
from cnnpy.train import EpochReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["compare"]

_LONGEST_NAME = 44


def compare(runs: Mapping[str, Sequence[EpochReport]], *, quantity: str = "accuracy") -> Figure:
    """Draw one curve a run, that of validation, or of training where it had none.

    Parameters
    ----------
    runs : mapping of str to sequence of EpochReport
        The history of each run by its name.
    quantity : {"accuracy", "loss"}
        What is drawn.

    Returns
    -------
    matplotlib.figure.Figure
        One panel with a legend below, 430 pixels wide; :func:`save` writes it.

    Raises
    ------
    DataError
        Where no run has an epoch.
    OptionError
        Where there is no such quantity.
    MissingPackageError
        Where matplotlib is not installed.

    Examples
    --------
    >>> from cnnpy.train import EpochReport
    >>> first = EpochReport(1, 0.01, 2.0, 0.25, 1.5, 0.5, 900.0, 1.0, True)
    >>> figure = compare({"a": [first], "b": [first]}, quantity="loss")
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['a', 'b']
    """
    what = quantity_of("compare", quantity)
    there = {name: history for name, history in runs.items() if history}
    if not there:
        raise DataError("compare: no run has an epoch", "at least one epoch", "train first")
    with style():
        figure = new_figure(4.3, 3.2 + 0.22 * len(there))
        axes = figure.subplots()
        values: list[float] = []
        for k, (name, history) in enumerate(there.items()):
            part, dashes = ("validation", "-") if has_validation(history) else ("train", "--")
            label = name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}"
            axes.plot(
                [report.epoch for report in history],
                what.of(history, part),
                dashes,
                marker="o" if len(history) == 1 else None,
                color=colours().series[k % len(colours().series)],
                alpha=1.0 if k < len(colours().series) else 0.6,
                label=label + (" (training)" if part == "train" else ""),
            )
            values += [v for v in what.of(history, part) if v == v and abs(v) != float("inf")]
        numbers = sorted({report.epoch for history in there.values() for report in history})
        dress(axes, numbers, what)
        SCALES[what.name](axes, values)
        figure.legend(loc="outside lower left", frameon=False, handlelength=1.8, fontsize=10)
    return figure
