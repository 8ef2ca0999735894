"""softmax along an axis, shifted by the largest score."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["softmax_backward", "softmax_forward"]


def softmax_forward(x: FloatArray, *, axis: int) -> tuple[FloatArray, Any]:
    """Turn scores into probabilities."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    e /= e.sum(axis=axis, keepdims=True)
    return e, (e.copy(), axis)


def softmax_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Take the weighted mean of the gradient away, and weigh the rest."""
    p, axis = cache
    mean = (dout * p).sum(axis=axis, keepdims=True)
    return (p * (dout - mean),)
