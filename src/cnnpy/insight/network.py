"""The network that is looked at, its input, and the gradient of one of its scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.nn import Layer
from cnnpy.nn.watch import Watched
from cnnpy.train import Classifier

__all__ = ["gradient_of_scores", "network_and_input"]

_PROBABILITIES = ("softmax", "log_softmax")


def gradient_of_scores(watched: Watched, x: FloatArray, classes: Any) -> FloatArray:
    """Send the gradient of one score of each image back through the copy.

    The score is what stands before a softmax at the network's end: a probability moves
    when any other class's score does.

    Parameters
    ----------
    watched : Watched
        The network.
    x : ndarray of shape (N, ...)
        The batch, as the network takes it.
    classes : ndarray of shape (N,), or None
        Whose score; that of the class which the network says where None.

    Returns
    -------
    ndarray of the shape of x
        The gradient with respect to the batch.
    """
    last = watched.model.last_layer()
    if getattr(last, "op", None) in _PROBABILITIES:
        vars(last)["forward"] = _identity_forward
        vars(last)["backward"] = _identity_backward
    scores, cache = watched.forward(x)
    if scores.ndim != 2:
        raise ShapeError(
            f"{type(watched.model).__name__}: the network returns {scores.shape[1:]} an image",
            "one score a class",
            "end the network with Linear(K)",
        )
    chosen = _checked_classes(scores, classes)
    dout = np.zeros_like(scores)
    dout[np.arange(len(scores)), chosen] = 1
    return watched.backward(dout, cache)


def network_and_input(
    network: Layer | Classifier, images: Any, white: float | None = None
) -> tuple[Layer, FloatArray]:
    """Return the network of a classifier, and the images as it takes them.

    Parameters
    ----------
    network : Layer or Classifier
        A classifier preprocesses the images itself.
    images : ndarray of shape (N, C, H, W)
        As the data set holds them, or for a Layer as the network takes them.
    white : float, optional
        Their value of full brightness; a classifier's own by default.

    Returns
    -------
    model : Layer
        The network.
    x : ndarray of shape (N, C, H, W)
        What enters it.
    """
    array = np.asarray(images)
    if array.ndim != 4:
        raise ShapeError(
            f"images has shape {array.shape}",
            "images (N, C, H, W)",
            "use images[np.newaxis]" if array.ndim == 3 else "give a batch of images",
        )
    if isinstance(network, Classifier):
        return network.model, network.preprocessing.apply(array, white=white)
    return network, array


def _checked_classes(scores: FloatArray, classes: Any) -> Any:
    N, K = scores.shape
    if classes is None:
        return scores.argmax(axis=1)
    chosen = np.broadcast_to(np.asarray(classes), (N,)) if np.ndim(classes) < 2 else None
    if chosen is None or chosen.dtype.kind not in "iu":
        raise ShapeError(
            f"classes has shape {np.shape(classes)} and dtype {np.asarray(classes).dtype}",
            f"one class index for each of the {N} images, or one for all",
            "use classes.argmax(axis=1)" if np.ndim(classes) == 2 else "give integers",
        )
    if ((chosen < 0) | (chosen >= K)).any():
        wrong = int(chosen[(chosen < 0) | (chosen >= K)][0])
        raise OptionError(
            f"classes holds {wrong}; the network has {K} scores",
            f"classes from 0 to {K - 1}",
            f"use {min(max(wrong, 0), K - 1)}",
        )
    return chosen


def _identity_forward(x: FloatArray, *, train: bool = False) -> tuple[FloatArray, Any]:
    return x, None


def _identity_backward(dout: FloatArray, cache: Any) -> FloatArray:
    return dout
