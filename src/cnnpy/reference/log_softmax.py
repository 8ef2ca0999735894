"""log_softmax: the definition.

out[k] = x[k] - log Σ_l exp(x[l]) along one axis; the largest entry is taken away
first, so that nothing overflows and no logarithm of zero is taken.

dx[k] = dout[k] - exp(out[k])·Σ_l dout[l]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray

__all__ = ["log_softmax_backward", "log_softmax_forward"]


def log_softmax_forward(x: FloatArray, *, axis: int = -1) -> tuple[FloatArray, Any]:
    """Turn scores into logarithms of probabilities along an axis.

    Parameters
    ----------
    x : ndarray of any shape
        Scores.
    axis : int
        The axis of the classes.

    Returns
    -------
    out : ndarray of the shape of x
        Logarithms of probabilities.
    cache : tuple
        The output and the axis.
    """
    out = np.empty(shapes.log_softmax(x.shape, axis=axis), dtype=x.dtype)
    scores, logs = np.moveaxis(x, axis, -1), np.moveaxis(out, axis, -1)
    for i in np.ndindex(scores.shape[:-1]):
        shifted = scores[i] - np.max(scores[i])
        logs[i] = shifted - np.log(np.sum(np.exp(shifted)))
    return out, (out.copy(), axis)


def log_softmax_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Send the gradient of the logarithms back to the scores.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : tuple
        From `log_softmax_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of the scores.
    """
    out, axis = cache
    dx = np.empty(dout.shape, dtype=dout.dtype)
    logs, dlogs, dscores = (np.moveaxis(a, axis, -1) for a in (out, dout, dx))
    for i in np.ndindex(logs.shape[:-1]):
        dscores[i] = dlogs[i] - np.exp(logs[i]) * np.sum(dlogs[i])
    return dx
