"""Where a network looks: the gradient of a score towards the image, and Grad-CAM."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import OptionError
from cnnpy.insight.layers import last_map, one_layer
from cnnpy.insight.network import gradient_of_scores, network_and_input
from cnnpy.nn import Layer
from cnnpy.nn.watch import Watched
from cnnpy.train import Classifier

__all__ = ["grad_cam", "input_gradient", "saliency"]


def input_gradient(
    network: Layer | Classifier, images: Any, *, classes: Any = None, white: float | None = None
) -> FloatArray:
    """Compute the gradient of a class's score with respect to each pixel.

    The score is the one before a softmax; batch norm and dropout are as in inference.

    Parameters
    ----------
    network : Layer or Classifier
        A built network that gives one score a class.
    images : ndarray of shape (N, C, H, W)
        As the network takes them; for a Classifier, as the data set holds them.
    classes : int or ndarray of shape (N,), optional
        Whose score; by default, that of the class which the network says.
    white : float, optional
        The images' value of full brightness; that of a classifier's training by default.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        The gradient d score / d x, with x as it enters the network: after a classifier's
        preprocessing.

    Raises
    ------
    ShapeError
        Where the images have other axes, or the network returns no scores.
    OptionError
        Where there is no such class, or the network is not built.

    Examples
    --------
    >>> from cnnpy import nn
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(2))
    >>> model.build((1, 1, 3), dtype=np.float64, seed=0)
    (2,)
    >>> x = np.ones((1, 1, 1, 3))
    >>> bool((input_gradient(model, x, classes=1)[0, 0, 0] == model[1].weight.value[1]).all())
    True
    """
    model, x = network_and_input(network, images, white)
    with Watched(model) as watched:
        return gradient_of_scores(watched, x, classes)


def saliency(
    network: Layer | Classifier, images: Any, *, classes: Any = None, white: float | None = None
) -> FloatArray:
    """Compute how strongly each pixel moves a class's score.

    Parameters
    ----------
    network : Layer or Classifier
        A built network that gives one score a class.
    images : ndarray of shape (N, C, H, W)
        As the network takes them; for a Classifier, as the data set holds them.
    classes : int or ndarray of shape (N,), optional
        Whose score; by default, that of the class which the network says.
    white : float, optional
        The images' value of full brightness; that of a classifier's training by default.

    Returns
    -------
    ndarray of shape (N, H, W)
        ``|d score / d x|``, the largest of the channels.

    Raises
    ------
    ShapeError
        Where the images have other axes, or the network returns no scores.
    OptionError
        Where there is no such class, or the network is not built.

    References
    ----------
    .. [1] K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks:
       visualising image classification models and saliency maps", arXiv:1312.6034, 2013.

    Examples
    --------
    >>> from cnnpy import models
    >>> model = models.small_cnn()
    >>> model.build((3, 8, 8), seed=0)
    (10,)
    >>> saliency(model, np.ones((2, 3, 8, 8), dtype=np.float32)).shape
    (2, 8, 8)
    """
    gradient = input_gradient(network, images, classes=classes, white=white)
    strongest: FloatArray = np.abs(gradient).max(axis=1)
    return strongest


def grad_cam(
    network: Layer | Classifier,
    images: Any,
    *,
    classes: Any = None,
    layer: str | None = None,
    white: float | None = None,
) -> FloatArray:
    """Compute where in the image the evidence for a class lies (Grad-CAM).

    The maps of a layer are added, each weighed by the mean gradient of the class's score
    with respect to it; what speaks against the class is left out.

    Parameters
    ----------
    network : Layer or Classifier
        A built network that gives one score a class.
    images : ndarray of shape (N, C, H, W)
        As the network takes them; for a Classifier, as the data set holds them.
    classes : int or ndarray of shape (N,), optional
        Which class; by default, the one which the network says.
    layer : str, optional
        The layer whose maps are taken, by the name that ``model.summary()`` shows; by
        default what comes out of the last block of a convolution with norm, activation and
        sum, where it still is a map.
    white : float, optional
        The images' value of full brightness; that of a classifier's training by default.

    Returns
    -------
    ndarray of shape (N, H_layer, W_layer)
        ``relu(Σ_k a_k A_k)`` with ``a_k`` the mean of ``d score / d A_k``; as coarse as the
        layer's maps are.

    Raises
    ------
    ShapeError
        Where the images have other axes, or the network returns no scores.
    OptionError
        Where there is no such class or no such layer, or its output is no map.

    References
    ----------
    .. [1] R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via
       gradient-based localization", ICCV 2017, equations 1 and 2.

    Examples
    --------
    >>> from cnnpy import models
    >>> model = models.small_cnn()
    >>> model.build((1, 8, 8), seed=0)
    (10,)
    >>> grad_cam(model, np.ones((2, 1, 8, 8), dtype=np.float32)).shape
    (2, 4, 4)
    """
    model, x = network_and_input(network, images, white)
    with Watched(model) as watched:
        gradient_of_scores(watched, x, classes)
        chosen = last_map(watched) if layer is None else one_layer(watched, layer)
        maps, gradient = chosen.out, chosen.dout
        if maps is None or maps.ndim != 4 or gradient is None:
            shape = "nothing" if maps is None else f"{maps.shape[1:]} an image"
            raise OptionError(
                f"grad_cam: layer {chosen.name!r} returns {shape}",
                "a layer that returns maps (C, H, W)",
                f"use layer={last_map(watched).name!r}",
            )
    weights = gradient.mean(axis=(2, 3), keepdims=True)
    evidence: FloatArray = np.maximum((weights * maps).sum(axis=1), 0)
    return evidence
