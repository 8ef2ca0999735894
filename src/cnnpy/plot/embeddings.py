"""Embeddings: a point for each image, where the network sees it before it decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DataError, ShapeError
from cnnpy.insight import Components
from cnnpy.plot.canvas import colours, new_figure, style
from cnnpy.plot.images import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["embeddings"]

_MARKERS = "osD^vPX*"
_MOST_NAMES = 30
_LONGEST_NAME = 16


def embeddings(
    points: Components | NDArray[Any], labels: NDArray[Any], class_names: Sequence[str]
) -> Figure:
    """Draw a point for each image, in the colour and with the name of its class.

    Parameters
    ----------
    points : Components or ndarray of shape (N, 2)
        What ``insight.principal_components(insight.embedding(...))`` gives.
    labels : ndarray of shape (N,) of any integer type
        The class of each image.
    class_names : sequence of str
        A name for each class; it stands at the median of the class's points.

    Returns
    -------
    matplotlib.figure.Figure
        The points, 430 by 430 pixels; :func:`save` writes it.

    Raises
    ------
    ShapeError
        Where the points have not two coordinates, or there is not one label a point.
    DataError
        Where a label is out of range.
    MissingPackageError
        Where matplotlib is not installed.

    Examples
    --------
    >>> figure = embeddings(np.eye(2), np.array([0, 1]), ("cat", "dog"))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['cat', 'dog']
    """
    shares = points.shares if isinstance(points, Components) else None
    xy = np.asarray(points.points if isinstance(points, Components) else points)
    classes = np.asarray(labels)
    if xy.ndim != 2 or xy.shape[1] != 2 or classes.shape != (len(xy),):
        raise ShapeError(
            f"embeddings: points has shape {xy.shape}, labels {classes.shape}",
            "points (N, 2) and labels (N,)",
            "use insight.principal_components(points)"
            if xy.ndim == 2 and xy.shape[1] > 2
            else "give one label a point",
        )
    K = len(class_names)
    if len(classes) and not 0 <= classes.min() <= classes.max() < K:
        raise DataError(
            f"embeddings: labels go from {classes.min()} to {classes.max()}",
            f"labels from 0 to {K - 1}",
            f"give {classes.max() + 1} class names",
        )
    with style():
        figure = new_figure(4.3, 4.3)
        axes = figure.subplots()
        size = float(np.clip(4000 / max(len(xy), 1), 4, 30))
        for k in np.unique(classes).tolist():
            series = colours().series
            axes.scatter(
                xy[classes == k, 0],
                xy[classes == k, 1],
                s=size,
                color=series[k % len(series)],
                marker=_MARKERS[(k // len(series)) % len(_MARKERS)],
                alpha=0.65,
                linewidths=0,
            )
        if K <= _MOST_NAMES:
            _name(axes, xy, classes, class_names)
        axes.set_xlabel(_axis("first", shares, 0))
        axes.set_ylabel(_axis("second", shares, 1))
        axes.set_xticks([])
        axes.set_yticks([])
        axes.margins(0.08)
    return figure


def _name(axes: Axes, xy: NDArray[Any], classes: NDArray[Any], class_names: Sequence[str]) -> None:
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=3, foreground=colours().paper)]
    for k in np.unique(classes).tolist():
        name = class_names[k]
        x, y = np.median(xy[classes == k], axis=0).tolist()
        axes.text(
            x,
            y,
            short(name, _LONGEST_NAME),
            ha="center",
            va="center",
            fontsize=10,
            fontweight="bold",
            path_effects=halo,
        )


def _axis(which: str, shares: NDArray[Any] | None, k: int) -> str:
    if shares is None or k >= len(shares):
        return f"{which} coordinate"
    return f"{which} component, {100 * shares[k]:.0f} % of the variance"
