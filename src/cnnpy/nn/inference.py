"""Outputs and probabilities of arrays of any length, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cnnpy import functional
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.options import integer

if TYPE_CHECKING:
    from cnnpy.nn.layer import Layer

__all__ = ["finite_log", "log_probabilities_of", "outputs", "probabilities", "probabilities_of"]

_batch_size = integer(1)


def outputs(model: Layer, x: FloatArray, batch_size: int) -> FloatArray:
    """Run `model` over x, `batch_size` inputs at a time.

    Parameters
    ----------
    model : Layer
        The network.
    x : ndarray of shape (N, ...)
        Inputs.
    batch_size : int
        Inputs at a time.

    Returns
    -------
    ndarray of shape (N, ...)
        The outputs.
    """
    from cnnpy.nn.session import InferenceSession  # made of layers, which are made of this

    step = _batch_size("predict", "batch_size", batch_size)
    starts = range(0, max(len(x), 1), step)
    model.ensure_built(x)
    run = InferenceSession(model) if len(starts) > 1 and model.built else model.infer
    return np.concatenate([run(x[i : i + step]) for i in starts])


def probabilities(model: Layer, x: FloatArray, batch_size: int) -> FloatArray:
    """Turn the outputs of `model` into probabilities, whatever it ends with.

    Parameters
    ----------
    model : Layer
        The network.
    x : ndarray of shape (N, ...)
        Inputs.
    batch_size : int
        Inputs at a time.

    Returns
    -------
    ndarray of shape (N, K)
        Probabilities.
    """
    return probabilities_of(model, outputs(model, x, batch_size))


def probabilities_of(model: Layer, out: FloatArray) -> FloatArray:
    """Turn what a network returns into probabilities.

    Parameters
    ----------
    model : Layer
        The network, whose last layer says what it returns.
    out : ndarray of shape (N, K)
        Scores; or probabilities or their logarithms, where it ends with Softmax or LogSoftmax.

    Returns
    -------
    ndarray of shape (N, K)
        Probabilities.
    """
    op = getattr(model.last_layer(), "op", None)
    if op == "softmax":
        return out
    return np.exp(out) if op == "log_softmax" else functional.softmax_forward(out, axis=1)[0]


def log_probabilities_of(model: Layer, out: FloatArray) -> FloatArray:
    """Turn what a network returns into logarithms of probabilities.

    Parameters
    ----------
    model : Layer
        The network, whose last layer says what it returns.
    out : ndarray of shape (N, K)
        Scores; or probabilities or their logarithms, where it ends with Softmax or LogSoftmax.

    Returns
    -------
    ndarray of shape (N, K)
        None of them -inf where it ends with Softmax.
    """
    op = getattr(model.last_layer(), "op", None)
    if op == "log_softmax":
        return out
    return finite_log(out) if op == "softmax" else functional.log_softmax_forward(out, axis=1)[0]


def finite_log(probabilities: FloatArray) -> FloatArray:
    """Take logarithms, none of them of 0.

    Parameters
    ----------
    probabilities : ndarray of any shape
        From 0 to 1.

    Returns
    -------
    ndarray of the same shape
        Finite.
    """
    logarithms: FloatArray = np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).tiny))
    return logarithms
