"""The learning-rate range test as a picture: the loss by the rate, and the rate to take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnpy.plot.canvas import colours, new_figure, style
from cnnpy.train import LrRange

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["lr_range"]


def lr_range(found: LrRange) -> Figure:
    """Draw the loss by the learning rate, with the rate that is suggested.

    Parameters
    ----------
    found : LrRange
        Of :func:`cnnpy.train.find_lr`.

    Returns
    -------
    matplotlib.figure.Figure
        600 by 380 pixels; :func:`save` writes it.

    Raises
    ------
    MissingPackageError
        Where matplotlib is not installed.

    Examples
    --------
    >>> rates = np.array([0.001, 0.01, 0.1])
    >>> figure = lr_range(LrRange(rates, np.array([2.0, 1.0, 3.0]), 0.01, 0.002))
    >>> figure.axes[0].get_xscale()
    'log'
    """
    with style():
        figure = new_figure(6.0, 3.8)
        axes = figure.subplots()
        axes.plot(found.lrs, found.losses, c=colours().blue)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_ylim(top=min(float(found.losses.max()), 1.5 * float(found.losses[0])))
        axes.axvline(found.suggested, c=colours().vermilion, lw=1.2, ls="--")
        axes.annotate(
            f"suggested: {found.suggested:g}",
            (found.suggested, 1.0),
            (5, -4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            va="top",
            color=colours().vermilion,
        )
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss (running mean over steps)")
        axes.grid(c=colours().grid, lw=0.8)
    return figure
