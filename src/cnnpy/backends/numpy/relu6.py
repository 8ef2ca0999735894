"""relu6: two comparisons each way."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["relu6_backward", "relu6_forward"]


def relu6_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Cut off what is negative and what is above 6."""
    return np.clip(x, 0, 6), x


def relu6_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Let the gradient through where x was between 0 and 6."""
    x = cache
    return (np.where((x <= 0) | (x >= 6), dout.dtype.type(0), dout),)
