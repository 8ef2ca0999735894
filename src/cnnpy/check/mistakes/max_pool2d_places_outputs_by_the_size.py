"""Outputs are found by the formula of the output's size, and so at a wrong place or at none.

Cause: The output of the window that starts in row i is taken for the one of row
1 + (i - HH) // stride. That is so where the stride is the window, as in the course's tests.

Mend: Count the windows: row i // stride; or loop over the outputs, and let i*stride start.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
    """Write each maximum to the place that the formula of the size gives for its window."""
    right, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    out = np.zeros_like(right)
    for i, j in np.ndindex(right.shape[2:]):
        out[:, :, *_place(i, j, cache)] = right[:, :, i, j]
    return out, cache


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each window the gradient that stands where the formula of the size says."""
    taken = np.zeros_like(dout)
    for i, j in np.ndindex(dout.shape[2:]):
        taken[:, :, i, j] = dout[:, :, *_place(i, j, cache)]
    return right_backward(taken, cache)


def _place(i: int, j: int, cache: Any) -> Pair:
    _, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    row = 1 + (i * stride_h + 2 * pad_h - HH) // stride_h
    return row, 1 + (j * stride_w + 2 * pad_w - WW) // stride_w
