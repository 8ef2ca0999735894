"""Windows that overlap, or leave a remainder, break forward or make its output too large.

Cause: A window is started at every stride up to the edge, range(0, H, stride), whether it fits or
not.

Mend: Loop over the places of the output: H_out = 1 + (H - HH) // stride.
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
    """Keep the largest entry of each window that starts inside of the image."""
    HH, WW = as_pair(kernel_size)
    stride_h, stride_w = (HH, WW) if stride is None else as_pair(stride)
    pad_h, pad_w = as_pair(padding)
    out, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    H, W = x.shape[2] + 2 * pad_h, x.shape[3] + 2 * pad_w
    more = (-(-H // stride_h) - out.shape[2], -(-W // stride_w) - out.shape[3])
    return np.pad(out, ((0, 0), (0, 0), (0, more[0]), (0, more[1]))), cache
