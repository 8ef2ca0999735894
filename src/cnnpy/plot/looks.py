"""Where a network looks: saliency and Grad-CAM beside the images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnpy import insight
from cnnpy.nn import Layer
from cnnpy.plot.images import heat, heat_over, rgb
from cnnpy.plot.tiles import Tile, tiles
from cnnpy.train import Classifier

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["grad_cam", "saliency"]

_COLUMNS = 6


def saliency(
    network: Layer | Classifier, images: Any, *, classes: Any = None, white: float | None = None
) -> Figure:
    """Draw images, each with how strongly its pixels move the score of a class.

    Parameters
    ----------
    network : Layer or Classifier
        A built network that gives one score a class.
    images : ndarray of shape (N, C, H, W)
        As the network takes them; for a Classifier, as the data set holds them.
    classes : int or ndarray of shape (N,), optional
        Whose score; by default, that of the class which the network says.
    white : float, optional
        The images' value of full brightness; a Classifier knows it.

    Returns
    -------
    matplotlib.figure.Figure
        Each image, and at its right :func:`cnnpy.insight.saliency` of it, black for 0;
        :func:`save` writes it.

    Raises
    ------
    ShapeError, OptionError
        See :func:`cnnpy.insight.saliency`.
    MissingPackageError
        Where matplotlib is not installed.

    Examples
    --------
    >>> from cnnpy import models
    >>> model = models.small_cnn()
    >>> model.build((1, 8, 8), seed=0)
    (10,)
    >>> figure = saliency(model, np.ones((2, 1, 8, 8), dtype=np.float32))
    """
    classes = _chosen(network, images, classes, white)
    maps = insight.saliency(network, images, classes=classes, white=white)
    title = "how strongly each pixel moves the score: |d score / d x|, each on its own scale"
    beside = [Tile(heat(one), ("saliency",)) for one in maps]
    return _pairs(title, network, images, classes, white, beside)


def grad_cam(
    network: Layer | Classifier,
    images: Any,
    *,
    classes: Any = None,
    layer: str | None = None,
    white: float | None = None,
) -> Figure:
    """Draw images, each with where in it the evidence for a class lies (Grad-CAM).

    Parameters
    ----------
    network : Layer or Classifier
        A built network that gives one score a class.
    images : ndarray of shape (N, C, H, W)
        As the network takes them; for a Classifier, as the data set holds them.
    classes : int or ndarray of shape (N,), optional
        Which class; by default, the one which the network says.
    layer : str, optional
        The layer whose maps are taken; by default the last block of a convolution.
    white : float, optional
        The images' value of full brightness; a Classifier knows it.

    Returns
    -------
    matplotlib.figure.Figure
        Each image, and at its right :func:`cnnpy.insight.grad_cam` laid over it;
        :func:`save` writes it.

    Raises
    ------
    ShapeError, OptionError
        See :func:`cnnpy.insight.grad_cam`.
    MissingPackageError
        Where matplotlib is not installed.

    Examples
    --------
    >>> from cnnpy import models
    >>> model = models.small_cnn()
    >>> model.build((1, 8, 8), seed=0)
    (10,)
    >>> figure = grad_cam(model, np.ones((2, 1, 8, 8), dtype=np.float32))
    """
    classes = _chosen(network, images, classes, white)
    maps = insight.grad_cam(network, images, classes=classes, layer=layer, white=white)
    title = "where the evidence for the class lies: Grad-CAM, each on its own scale"
    pictures = _pictures(network, images, white)
    beside = [
        Tile(heat_over(picture, one), ("Grad-CAM",))
        for picture, one in zip(pictures, maps, strict=True)
    ]
    return _pairs(title, network, images, classes, white, beside)


def _pairs(
    title: str,
    network: Layer | Classifier,
    images: Any,
    classes: NDArray[np.int64],
    white: float | None,
    beside: list[Tile],
) -> Figure:
    """Draw each image with the name of its class, and at its right what goes with it."""
    names = network.class_names if isinstance(network, Classifier) else None
    words = [f"class {k}" if names is None else names[k] for k in classes]
    pictures = _pictures(network, images, white)
    rows = zip(pictures, words, beside, strict=True)
    shown = [tile for picture, word, right in rows for tile in (Tile(picture, (word,)), right)]
    return tiles(title, shown, _COLUMNS)


def _pictures(network: Layer | Classifier, images: Any, white: float | None) -> list[Any]:
    if white is None and isinstance(network, Classifier):
        white = network.preprocessing.white
    return [rgb(image, white) for image in np.asarray(images)]


def _chosen(
    network: Layer | Classifier, images: Any, classes: Any, white: float | None
) -> NDArray[np.int64]:
    """Return whose score is looked at, for each image."""
    if classes is not None:
        return np.broadcast_to(np.asarray(classes), (len(images),))
    x = np.asarray(images)
    return (
        network.predict(x, white=white) if isinstance(network, Classifier) else network.predict(x)
    )
