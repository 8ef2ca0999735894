"""linear, the fully connected layer: the definition.

out[n, m] = b[m] + Σ_d  x[n, d] · w[m, d]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray

__all__ = ["linear_backward", "linear_forward"]


def linear_forward(x: FloatArray, w: FloatArray, b: FloatArray | None) -> tuple[FloatArray, Any]:
    """Weigh all features for each output.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        Features.
    w : ndarray of shape (M, D)
        One row of weights for each output.
    b : ndarray of shape (M,) or None
        Biases.

    Returns
    -------
    out : ndarray of shape (N, M)
        The weighted sums.
    cache : tuple
        What `linear_backward` needs; it holds references to the inputs.
    """
    N, M = shapes.linear(x.shape, w.shape, None if b is None else b.shape)
    out = np.zeros((N, M), dtype=x.dtype)
    for n in range(N):
        for m in range(M):
            out[n, m] = np.sum(x[n] * w[m])
            if b is not None:
                out[n, m] += b[m]
    return out, (x, w, b)


def linear_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send each output's gradient back to its features, weights and bias.

    Parameters
    ----------
    dout : ndarray of shape (N, M)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `linear_forward`.

    Returns
    -------
    dx : ndarray of shape (N, D)
        Gradient of the features.
    dw : ndarray of shape (M, D)
        Gradient of the weights.
    db : ndarray of shape (M,) or None
        Gradient of the biases; None where there were none.
    """
    x, w, b = cache
    N, M = dout.shape
    dx = np.zeros(x.shape, dtype=x.dtype)
    dw = np.zeros(w.shape, dtype=w.dtype)
    db = None if b is None else np.zeros(b.shape, dtype=b.dtype)
    for n in range(N):
        for m in range(M):
            dx[n] += dout[n, m] * w[m]
            dw[m] += dout[n, m] * x[n]
            if db is not None:
                db[m] += dout[n, m]
    return dx, dw, db
