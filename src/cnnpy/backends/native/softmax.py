"""softmax along an axis by the compiled kernels; its output is kept."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native.classes import softmax_backward as backward
from cnnpy.backends.native.classes import softmax_forward as forward
from cnnpy.contract.dtypes import FloatArray

__all__ = ["softmax_backward", "softmax_forward"]


def softmax_forward(x: FloatArray, *, axis: int) -> tuple[FloatArray, Any]:
    """Turn scores into probabilities."""
    return forward(x, axis, logs=False)


def softmax_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Take the weighted mean of the gradient away, and weigh the rest."""
    return (backward(dout, cache, logs=False),)
