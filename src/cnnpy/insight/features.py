"""What a network makes of images on the way: maps, layer by layer, and a point for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import MissingPackageError, ShapeError
from cnnpy.contract.options import integer
from cnnpy.insight.layers import last_linear, one_layer
from cnnpy.insight.network import network_and_input
from cnnpy.nn import Layer
from cnnpy.nn.watch import Watched
from cnnpy.train import Classifier

__all__ = ["Components", "embedding", "feature_maps", "principal_components"]


def feature_maps(
    network: Layer | Classifier,
    images: Any,
    *,
    layers: Iterable[str] | None = None,
    white: float | None = None,
) -> dict[str, FloatArray]:
    """Compute the maps that the layers of a network return in inference.

    Parameters
    ----------
    network : Layer or Classifier
        A built network.
    images : ndarray of shape (N, C, H, W)
        As the network takes them; for a Classifier, as the data set holds them.
    layers : iterable of str, optional
        The names of the layers, as ``model.summary()`` shows them; by default all that
        return maps and have no other layers inside.
    white : float, optional
        The images' value of full brightness; that of a classifier's training by default.

    Returns
    -------
    dict of str to ndarray of shape (N, C_layer, H_layer, W_layer)
        By the names of the layers, in the order in which they run.

    Raises
    ------
    OptionError
        Where there is no such layer, or the network is not built.
    ShapeError
        Where the images have other axes.

    Examples
    --------
    >>> from cnnpy import models
    >>> model = models.small_cnn()
    >>> model.build((1, 8, 8), seed=0)
    (10,)
    >>> maps = feature_maps(model, np.ones((2, 1, 8, 8), dtype=np.float32))
    >>> maps["conv1"].shape, maps["pool2"].shape
    ((2, 32, 8, 8), (2, 64, 2, 2))
    """
    model, x = network_and_input(network, images, white)
    with Watched(model) as watched:
        watched.forward(x)
        if layers is not None:
            chosen = [one_layer(watched, name) for name in layers]
        else:
            chosen = [one for one in watched.seen.values() if one.is_leaf and one.is_map]
        return {one.name: one.out for one in chosen if one.out is not None}


def embedding(
    network: Layer | Classifier,
    images: Any,
    *,
    layer: str | None = None,
    batch_size: int = 32,
    white: float | None = None,
) -> FloatArray:
    """Compute what a network makes of each image before it decides.

    Parameters
    ----------
    network : Layer or Classifier
        A built network.
    images : ndarray of shape (N, C, H, W)
        As the network takes them; for a Classifier, as the data set holds them.
    layer : str, optional
        The layer whose output is taken, by its name in ``model.summary()``; by default what
        enters the last Linear layer.
    batch_size : int
        Images at a time; the outputs of all layers are held of so many.
    white : float, optional
        The images' value of full brightness; that of a classifier's training by default.

    Returns
    -------
    ndarray of shape (N, D)
        One row an image.

    Raises
    ------
    OptionError
        Where there is no such layer, or the network is not built.
    ShapeError
        Where the images have other axes, or there are none.

    Examples
    --------
    >>> from cnnpy import models
    >>> model = models.small_cnn()
    >>> model.build((1, 8, 8), seed=0)
    (10,)
    >>> embedding(model, np.ones((3, 1, 8, 8), dtype=np.float32)).shape
    (3, 256)
    """
    step = integer(1)("embedding", "batch_size", batch_size)
    if not len(images):
        raise ShapeError("embedding: no images", "at least one image", "give some images")
    model = network.model if isinstance(network, Classifier) else network
    rows: list[FloatArray] = []
    with Watched(model) as watched:
        for start in range(0, len(images), step):
            _, x = network_and_input(network, images[start : start + step], white)
            watched.forward(x)
            taken = last_linear(watched).x if layer is None else one_layer(watched, layer).out
            assert taken is not None, "watched"
            rows.append(taken.reshape(len(x), -1).copy())
    return np.concatenate(rows)


class Components(NamedTuple):
    """Points in the directions in which they differ most, and the share of each direction."""

    points: NDArray[np.float64]
    shares: NDArray[np.float64]


def principal_components(features: NDArray[Any], n: int = 2) -> Components:
    """Bring points of many dimensions into the few in which they differ most.

    scikit-learn computes them; each direction points to where its farthest point lies, so
    that the same features give the same picture.

    Parameters
    ----------
    features : ndarray of shape (N, D)
        One row a point: what :func:`embedding` gives.
    n : int
        How many directions; fewer where there are fewer points or dimensions.

    Returns
    -------
    Components
        ``points``, of shape (N, n), and ``shares`` of the variance, of shape (n,).

    Raises
    ------
    ShapeError
        Where there are other axes, or fewer than two points.
    MissingPackageError
        Where scikit-learn is not installed.

    Examples
    --------
    >>> line = np.outer([0.0, 1.0, 5.0], [3.0, 4.0])
    >>> points, shares = principal_components(line, 1)
    >>> points[:, 0].round(6).tolist(), shares.round(6).tolist()
    ([-10.0, -5.0, 15.0], [1.0])
    """
    n = integer(1)("principal_components", "n", n)
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2 or len(rows) < 2 or not rows.shape[1]:
        raise ShapeError(
            f"principal_components: features has shape {rows.shape}",
            "(N, D): at least two points of at least one dimension",
            f"use features.reshape({len(rows)}, -1)" if rows.ndim > 2 else "give more points",
        )
    try:
        from sklearn.decomposition import PCA
    except ImportError as error:
        raise MissingPackageError(
            "principal_components: scikit-learn is not installed",
            "scikit-learn, which computes principal components",
            "pip install 'cnnpy[sklearn]'",
        ) from error
    fitted = PCA(min(n, *rows.shape), svd_solver="full")
    with np.errstate(invalid="ignore"):  # of points that are all the same
        points = fitted.fit_transform(rows)
        shares = np.nan_to_num(fitted.explained_variance_ratio_)
    farthest = points[np.abs(points).argmax(axis=0), np.arange(points.shape[1])]
    return Components(points * np.where(farthest < 0, -1.0, 1.0), shares)
