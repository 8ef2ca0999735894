"""log_softmax along an axis by the compiled kernels; its output is kept."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native.classes import softmax_backward, softmax_forward
from cnnpy.contract.dtypes import FloatArray

__all__ = ["log_softmax_backward", "log_softmax_forward"]


def log_softmax_forward(x: FloatArray, *, axis: int) -> tuple[FloatArray, Any]:
    """Turn scores into logarithms of probabilities."""
    return softmax_forward(x, axis, logs=True)


def log_softmax_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Take each probability's share of the gradient's sum away."""
    return (softmax_backward(dout, cache, logs=True),)
