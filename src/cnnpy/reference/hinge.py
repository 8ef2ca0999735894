"""hinge, the loss of the multiclass support vector machine: the definition.

loss = 1/N Σ_n Σ_{k ≠ t} max(0, x[n, k] - x[n, t] + 1),   t = target[n]

A sum over the classes, a mean over the images. At the kink the gradient is 0.

Weston, Watkins: Support vector machines for multi-class pattern recognition.
ESANN 1999.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray

__all__ = ["hinge_backward", "hinge_forward"]


def hinge_forward(x: FloatArray, target: NDArray[Any]) -> tuple[Any, Any]:
    """Charge each class whose score comes within 1 of the right one's.

    Parameters
    ----------
    x : ndarray of shape (N, K)
        Scores of K classes.
    target : ndarray of shape (N,)
        Class indices.

    Returns
    -------
    loss : float32 or float64 scalar
        Sum over the classes, mean over the images; NaN for an empty batch.
    cache : tuple
        References to x and target.
    """
    N, K = x.shape
    loss = x.dtype.type(0)
    for n in range(N):
        for k in range(K):
            margin = x[n, k] - x[n, target[n]] + 1
            if k != target[n]:
                loss += np.maximum(margin, 0)
    return (loss / N if N else x.dtype.type(np.nan)), (x, target)


def hinge_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Push down each class that was charged, and the right one up as often.

    Parameters
    ----------
    dout : ndarray of shape ()
        Gradient of what is minimised with respect to this loss, most often 1.
    cache : tuple
        From `hinge_forward`.

    Returns
    -------
    ndarray of shape (N, K)
        Gradient of the scores.
    """
    x, target = cache
    N, K = x.shape
    dx = np.zeros((N, K), dtype=x.dtype)
    for n in range(N):
        for k in range(K):
            margin = x[n, k] - x[n, target[n]] + 1
            if k != target[n] and margin > 0:
                dx[n, k] += dout / N
                dx[n, target[n]] -= dout / N
    return dx
