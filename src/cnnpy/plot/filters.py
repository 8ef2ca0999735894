"""Filters: what the first layer of a network looks for, as a grid of small pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DtypeError, ShapeError
from cnnpy.nn import Layer
from cnnpy.plot.canvas import colours, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

__all__ = ["filter_pictures", "filters", "first_filters"]

_WIDTH = 8.0  # inches
_LARGEST_TILE = 1.2  # inches
_GAP = 0.2  # between two tiles, as a share of one


def filters(weights: NDArray[Any]) -> Figure:
    """Draw the filters of a convolution as a grid.

    Each filter is scaled by its own largest weight. Of three channels the filter is
    a picture in red, green and blue, of one channel in grey; of any other number it
    is shown by its norm over the channels.

    Parameters
    ----------
    weights : ndarray of shape (F, C, HH, WW)
        The filters: ``model["conv1"].weight.value``.

    Returns
    -------
    matplotlib.figure.Figure
        One picture with all filters; :func:`save` writes it.

    Raises
    ------
    ShapeError
        Where there are no such axes, or no filter.
    DtypeError
        Where these are no real numbers.
    MissingPackageError
        Where matplotlib is not installed.

    Examples
    --------
    >>> figure = filters(np.eye(3).reshape(1, 1, 3, 3))
    >>> figure.axes[0].images[0].get_array()[:, :, 0]
    masked_array(
      data=[[1. , 0.5, 0.5],
            [0.5, 1. , 0.5],
            [0.5, 0.5, 1. ]],
      mask=False,
      fill_value=1e+20)
    """
    tiles, legend = filter_pictures(weights)
    F, C, HH, WW = np.shape(weights)
    n_columns = min(F, max(math.ceil(math.sqrt(2 * F)), 8))
    n_rows = math.ceil(F / n_columns)
    gap = _GAP * max(HH, WW)
    width, height = n_columns * (WW + gap) - gap, n_rows * (HH + gap) - gap
    inches = min(_WIDTH / width, _LARGEST_TILE / WW)
    with style():
        figure = new_figure(_WIDTH, max(height * inches, 0.5) + 0.7)
        axes = figure.subplots()
        for k, tile in enumerate(tiles):
            i, j = divmod(k, n_columns)
            top, left = i * (HH + gap), j * (WW + gap)
            axes.imshow(tile, extent=(left, left + WW, top + HH, top), interpolation="nearest")
            axes.add_patch(_frame(left, top, WW, HH))
        edge = gap / 4
        axes.set_xlim(-edge, max(width + edge, _WIDTH / inches - edge))
        axes.set_ylim(height + edge, -edge)
        axes.set_aspect("equal", anchor="NW")
        axes.set_axis_off()
        axes.set_title(_title(np.shape(weights), legend), loc="left", linespacing=1.4)
    return figure


def filter_pictures(weights: NDArray[Any]) -> tuple[NDArray[np.float64], str]:
    """Make a small picture of each filter, and say how to read them.

    Parameters
    ----------
    weights : ndarray of shape (F, C, HH, WW)
        The filters.

    Returns
    -------
    pictures : ndarray of shape (F, HH, WW, 3)
        Red, green and blue from 0 to 1.
    legend : str
        What the colours mean.
    """
    return _tiles(_checked(weights))


def _frame(left: float, top: float, width: float, height: float) -> Patch:
    """Frame a tile, so that white weights at its border are seen."""
    from matplotlib.patches import Rectangle

    return Rectangle(
        (left, top), width, height, fill=False, edgecolor=colours().grey, linewidth=0.8
    )


def _title(shape: tuple[int, ...], legend: str) -> str:
    F, C, HH, WW = shape
    n_filters = f"{F} filter{'s' if F > 1 else ''}"
    return f"{n_filters} of {HH}×{WW} weights, {C} channel{'s' if C > 1 else ''}\n{legend}"


def _checked(weights: NDArray[Any]) -> NDArray[np.float64]:
    array = np.asarray(weights)
    if array.ndim != 4 or 0 in array.shape:
        raise ShapeError(
            f"filters: weights has shape {array.shape}",
            "(F, C, HH, WW), none of them 0",
            "use weights.reshape(F, C, HH, WW)"
            if array.ndim != 4
            else "give at least one filter of one weight",
        )
    if array.dtype.kind not in "fiu":
        raise DtypeError(
            f"filters: weights has dtype {array.dtype}",
            "real numbers",
            "use weights.astype(np.float32)",
        )
    return array.astype(np.float64)


def _tiles(weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Return a picture of each filter, (F, HH, WW, 3) from 0 to 1, and how to read it."""
    C = weights.shape[1]
    if C not in (1, 3):
        norms = np.sqrt(np.square(_finite(weights)).sum(axis=1, keepdims=True))
        tiles = norms / _largest(norms)
        legend = "norm over the channels: black 0, white the largest of the filter"
    else:
        signed = _finite(weights)
        tiles = 0.5 + 0.5 * signed / _largest(signed)
        legend = (
            "black negative, grey 0, white positive; each filter on its own scale"
            if C == 1
            else "red, green and blue around grey for 0; each filter on its own scale"
        )
    return np.repeat(tiles, 3 // tiles.shape[1], axis=1).transpose(0, 2, 3, 1), legend


def _finite(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw what is not finite, after a training that went astray, as 0."""
    return np.nan_to_num(weights, nan=0.0, posinf=0.0, neginf=0.0)


def _largest(values: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.abs(values).max(axis=(1, 2, 3), keepdims=True)
    return np.where(largest > 0, largest, 1.0)


def first_filters(model: Layer) -> tuple[str, NDArray[Any]] | None:
    """Find the filters of the first convolution.

    Parameters
    ----------
    model : Layer
        The network, built.

    Returns
    -------
    (str, ndarray of shape (F, C, HH, WW)) or None
        Their name in the state, and they; None where there are none.
    """
    named = model.named_parameters()
    return next(((name, p.value) for name, p in named if p.value.ndim == 4), None)
