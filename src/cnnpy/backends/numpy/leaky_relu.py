"""leaky_relu: one selection each way."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["leaky_relu_backward", "leaky_relu_forward"]


def leaky_relu_forward(x: FloatArray, *, negative_slope: float) -> tuple[FloatArray, Any]:
    """Shrink what is negative by a slope."""
    slope = x.dtype.type(negative_slope)
    return np.where(x > 0, x, x * slope), (x, slope)


def leaky_relu_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Let the gradient through, shrunk where x was not positive."""
    x, slope = cache
    return (np.where(x > 0, dout, dout * slope),)
