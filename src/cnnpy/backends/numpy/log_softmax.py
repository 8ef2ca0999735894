"""log_softmax along an axis, shifted by the largest score."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["log_softmax_backward", "log_softmax_forward"]


def log_softmax_forward(x: FloatArray, *, axis: int) -> tuple[FloatArray, Any]:
    """Turn scores into logarithms of probabilities."""
    shifted = x - x.max(axis=axis, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return shifted, (shifted.copy(), axis)


def log_softmax_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Take each probability's share of the gradient's sum away."""
    logs, axis = cache
    return (dout - np.exp(logs) * dout.sum(axis=axis, keepdims=True),)
