"""softmax_cross_entropy in one piece: softmax minus the wanted probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray

__all__ = ["softmax_cross_entropy_backward", "softmax_cross_entropy_forward"]


def softmax_cross_entropy_forward(
    x: FloatArray, target: NDArray[Any], *, label_smoothing: float
) -> tuple[Any, Any]:
    """Measure how surprised the scores are by the right class."""
    N, K = x.shape
    log_p = x - x.max(axis=1, keepdims=True)
    log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    if target.ndim == 2:
        q = target.copy()
    else:
        q = np.zeros((N, K), dtype=x.dtype)
        q[np.arange(N), target] = 1
    if label_smoothing:
        q *= 1 - label_smoothing
        q += label_smoothing / K
    charged = np.zeros_like(q)
    np.multiply(q, log_p, out=charged, where=q != 0)
    loss = -charged.sum() / N if N else np.nan
    return x.dtype.type(loss), (log_p, q)


def softmax_cross_entropy_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Pull each probability towards the wanted one."""
    log_p, q = cache
    dx = np.exp(log_p) * q.sum(axis=1, keepdims=True)
    dx -= q
    dx *= dout / dout.dtype.type(max(len(q), 1))
    return (dx,)
