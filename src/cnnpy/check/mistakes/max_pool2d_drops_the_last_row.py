"""The last row of outputs is missing.

Cause: The 1 of 1 + (H + 2*padding - HH) // stride is forgotten along H.

Mend: Count the first place too: 1 + (H + 2*padding - HH) // stride.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.max_pool2d import max_pool2d_backward as right_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward as right_forward

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of each window, down to the last row but one."""
    out, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    return out[:, :, :-1], cache


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give back the gradients of all rows but the last."""
    dout = dout.copy()
    dout[:, :, -1] = 0
    return right_backward(dout, cache)
