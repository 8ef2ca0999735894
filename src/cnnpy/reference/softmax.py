"""softmax: the definition.

out[k] = exp(x[k]) / Σ_l exp(x[l]) along one axis. The largest entry is taken away
first, which changes nothing but keeps exp from overflowing.

dx[k] = out[k]·(dout[k] - Σ_l dout[l]·out[l])
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray

__all__ = ["softmax_backward", "softmax_forward"]


def softmax_forward(x: FloatArray, *, axis: int = -1) -> tuple[FloatArray, Any]:
    """Turn scores into probabilities along an axis.

    Parameters
    ----------
    x : ndarray of any shape
        Scores.
    axis : int
        The axis of the classes.

    Returns
    -------
    out : ndarray of the shape of x
        Probabilities, which sum to one along the axis.
    cache : tuple
        The output and the axis.
    """
    out = np.empty(shapes.softmax(x.shape, axis=axis), dtype=x.dtype)
    scores, probabilities = np.moveaxis(x, axis, -1), np.moveaxis(out, axis, -1)
    for i in np.ndindex(scores.shape[:-1]):
        e = np.exp(scores[i] - np.max(scores[i]))
        probabilities[i] = e / np.sum(e)
    return out, (out.copy(), axis)


def softmax_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Send the gradient of the probabilities back to the scores.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : tuple
        From `softmax_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of the scores.
    """
    out, axis = cache
    dx = np.empty(dout.shape, dtype=dout.dtype)
    p, dp, dscores = (np.moveaxis(a, axis, -1) for a in (out, dout, dx))
    for i in np.ndindex(p.shape[:-1]):
        dscores[i] = p[i] * (dp[i] - np.sum(dp[i] * p[i]))
    return dx
