"""softmax_cross_entropy: the definition.

loss = 1/N Σ_n Σ_k  -q[n, k] · log p[n, k],   p = softmax of the scores x[n]

The wanted distribution q is one at the class index and zero elsewhere, or is
given; label smoothing s makes it (1 - s)·q + s/K. With the loss in one piece the
gradient is as simple as can be:

dx[n, k] = (p[n, k]·Σ_l q[n, l] - q[n, k]) / N
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray

__all__ = ["softmax_cross_entropy_backward", "softmax_cross_entropy_forward"]


def softmax_cross_entropy_forward(
    x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
) -> tuple[Any, Any]:
    """Measure how surprised the scores are by the right class, on average.

    Parameters
    ----------
    x : ndarray of shape (N, K)
        Scores of K classes.
    target : ndarray of shape (N,) or (N, K)
        Class indices, or wanted probabilities.
    label_smoothing : float
        Share of the wanted probability that is spread over all classes, 0 to 1.

    Returns
    -------
    loss : float32 or float64 scalar
        Mean over the images; NaN, as any mean, for an empty batch.
    cache : tuple
        Probabilities and wanted probabilities.
    """
    N, K = x.shape
    p = np.empty((N, K), dtype=x.dtype)
    q = np.zeros((N, K), dtype=x.dtype)
    loss = x.dtype.type(0)
    for n in range(N):
        shifted = x[n] - np.max(x[n])
        log_p = shifted - np.log(np.sum(np.exp(shifted)))
        p[n] = np.exp(log_p)
        if target.ndim == 1:
            q[n, target[n]] = 1
        else:
            q[n] = target[n]
        q[n] = (1 - label_smoothing) * q[n] + label_smoothing / K
        for k in range(K):
            if q[n, k] != 0:
                loss -= q[n, k] * log_p[k]
    return (loss / N if N else x.dtype.type(np.nan)), (p, q)


def softmax_cross_entropy_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Pull each probability towards the wanted one.

    Parameters
    ----------
    dout : ndarray of shape ()
        Gradient of what is minimised with respect to this loss, most often 1.
    cache : tuple
        From `softmax_cross_entropy_forward`.

    Returns
    -------
    ndarray of shape (N, K)
        Gradient of the scores.
    """
    p, q = cache
    N, K = p.shape
    dx = np.empty((N, K), dtype=p.dtype)
    for n in range(N):
        for k in range(K):
            dx[n, k] = dout * (p[n, k] * np.sum(q[n]) - q[n, k]) / N
    return dx
