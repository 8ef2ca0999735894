"""relu: one comparison each way."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["relu_backward", "relu_forward"]


def relu_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Cut off what is negative."""
    return np.maximum(x, 0), x


def relu_backward(dout: FloatArray, cache: Any, needs: tuple[str, ...]) -> tuple[FloatArray | None]:
    """Let the gradient through where x was positive."""
    return (np.where(cache <= 0, dout.dtype.type(0), dout),)
