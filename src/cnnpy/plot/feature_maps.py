"""Feature maps: what the layers of a network make of one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnpy import insight
from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.nn import Layer
from cnnpy.plot.canvas import colours, new_figure, style
from cnnpy.plot.images import heat
from cnnpy.train import Classifier

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["feature_maps", "last_of_each_size", "strongest"]

_MOST = 12


def feature_maps(
    network: Layer | Classifier, image: NDArray[Any], *, layer: str | None = None
) -> Figure:
    """Draw the maps that layers of a network make of an image, the strongest channels.

    Parameters
    ----------
    network : Layer or Classifier
        A built network.
    image : ndarray of shape (C, H, W)
        As the network takes it; for a Classifier, as the data set holds it.
    layer : str, optional
        One layer, by the name that ``model.summary()`` shows; by default the last of each
        size of map.

    Returns
    -------
    matplotlib.figure.Figure
        A row a layer, with at most twelve channels: those with the largest values, black
        for 0 and less, each layer on its own scale; :func:`save` writes it.

    Raises
    ------
    ShapeError
        Where this is not one image.
    OptionError
        Where there is no such layer, or none that returns maps.
    MissingPackageError
        Where matplotlib is not installed.

    Examples
    --------
    >>> from cnnpy import models
    >>> model = models.small_cnn()
    >>> model.build((1, 8, 8), seed=0)
    (10,)
    >>> figure = feature_maps(model, np.ones((1, 8, 8), dtype=np.float32), layer="relu1")
    """
    array = np.asarray(image)
    if array.ndim != 3:
        raise ShapeError(
            f"feature_maps: image has shape {array.shape}",
            "one image (C, H, W)",
            "use images[0]" if array.ndim == 4 else "use image[np.newaxis]",
        )
    found = insight.feature_maps(
        network, array[np.newaxis], layers=None if layer is None else [layer]
    )
    maps = {name: out[0] for name, out in found.items() if out.ndim == 4}
    if not maps:
        raise OptionError(
            f"feature_maps: {'no layer' if layer is None else f'layer {layer!r}'} returns maps",
            "a layer that returns maps (C, H, W)",
            "name one of model.summary() with three sizes: layer=...",
        )
    rows = maps if layer is not None else last_of_each_size(maps)
    with style():
        figure = new_figure(8.0, 1.1 * len(rows) + 0.3)
        grid = figure.subplots(len(rows), _MOST, squeeze=False)
        for axes_of_row, (name, out) in zip(grid, rows.items(), strict=True):
            C, H, W = out.shape
            for axes in axes_of_row:
                axes.set_axis_off()
            for axes, k in zip(axes_of_row, strongest(out, _MOST), strict=False):
                axes.imshow(heat_of_channel(out, k), interpolation="nearest")
                axes.set_title(str(k), fontsize=8, pad=2, color=colours().grey)
            words = axes_of_row[0].text(
                *(0.0, -0.1),
                f"{name}: {C} channels of {H}×{W}",
                transform=axes_of_row[0].transAxes,
                fontsize=9,
                va="top",
            )
            words.set_in_layout(False)  # its width is not that of the first picture
        figure.suptitle(
            "what the layers make of the image: the channels with the largest values",
            x=0.01,
            ha="left",
            fontsize=11,
        )
    return figure


def last_of_each_size(maps: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Keep of the layers whose maps have one size the last.

    Parameters
    ----------
    maps : dict of str to ndarray of shape (C, H, W)
        In the order in which the layers run.

    Returns
    -------
    dict of str to ndarray of shape (C, H, W)
        In the same order.
    """
    last = {out.shape[1:]: name for name, out in maps.items()}
    return {name: maps[name] for name in maps if name in last.values()}


def strongest(maps: NDArray[Any], n: int) -> list[int]:
    """Choose the channels with the largest values.

    Parameters
    ----------
    maps : ndarray of shape (C, H, W)
        What a layer returns of an image.
    n : int
        How many at most.

    Returns
    -------
    list of int
        Channels, the strongest first.
    """
    order: list[int] = np.argsort(-maps.max(axis=(1, 2)), kind="stable")[:n].tolist()
    return order


def heat_of_channel(maps: NDArray[Any], k: int) -> NDArray[np.uint8]:
    """Colour one channel on the scale of the whole layer.

    Parameters
    ----------
    maps : ndarray of shape (C, H, W)
        What a layer returns of an image.
    k : int
        The channel.

    Returns
    -------
    ndarray of shape (H, W, 3) of uint8
        The picture.
    """
    greatest = np.nan_to_num(maps, posinf=0.0, neginf=0.0).max()
    return heat(maps[k], greatest=greatest)
