"""Where half a stride or more is left over, the output is a row or a column too large.

Cause: round(1 + (H + 2*padding - HH) / stride) counts a last window that does not fit where the
remainder is large.

Mend: Round down: 1 + (H + 2*padding - HH) // stride, as // does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
    """Keep the largest entry of each window, their number rounded to the nearest."""
    HH, WW = as_pair(kernel_size)
    stride_h, stride_w = (HH, WW) if stride is None else as_pair(stride)
    pad_h, pad_w = as_pair(padding)
    out, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    H_out = _count(x.shape[2], HH, stride_h, pad_h)
    W_out = _count(x.shape[3], WW, stride_w, pad_w)
    more = (0, H_out - out.shape[2]), (0, W_out - out.shape[3])
    return np.pad(out, ((0, 0), (0, 0), *more)), cache


def _count(size: int, window: int, stride: int, padding: int) -> int:
    free = size + 2 * padding - window
    return round(1 + free / stride)
