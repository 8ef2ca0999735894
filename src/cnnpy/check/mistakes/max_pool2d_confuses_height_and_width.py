"""The window lies on its side.

Cause: The window's height is used along W and its width along H.

Mend: Use HH with rows and WW with columns: x[n, c, i*stride : i*stride + HH, ...].
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
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
    """Keep the largest entry of windows of shape (WW, HH)."""
    HH, WW = as_pair(kernel_size)
    pad_h, pad_w = as_pair(padding)
    steps = None if stride is None else as_pair(stride)[::-1]
    return right_forward(x, kernel_size=(WW, HH), stride=steps, padding=(pad_w, pad_h))
