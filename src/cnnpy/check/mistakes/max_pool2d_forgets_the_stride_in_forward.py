"""The windows stand one pixel apart, though as many are taken as the stride allows.

Cause: Forward takes x[i : i + HH], where window i starts at i*stride.

Mend: Start window i at i*stride: x[n, c, i*stride : i*stride + HH, j*stride : j*stride + WW].
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.max_pool2d import max_pool2d_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward as right_forward

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of windows that stand one pixel apart."""
    out, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    dense, _ = right_forward(x, kernel_size=kernel_size, stride=1, padding=padding)
    return dense[:, :, : out.shape[2], : out.shape[3]], cache
