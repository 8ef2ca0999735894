"""Outputs and probabilities of arrays of any length, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnpy import functional
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.options import integer

if TYPE_CHECKING:
    from cnnpy.nn.layer import Layer

__all__ = ["outputs", "probabilities"]

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
    out = outputs(model, x, batch_size)
    last: Any = model
    while last.children():
        last = list(last.children().values())[-1]
    op = getattr(last, "op", None)
    if op == "softmax":
        return out
    if op == "log_softmax":
        return np.exp(out)
    return functional.softmax_forward(out, axis=1)[0]
