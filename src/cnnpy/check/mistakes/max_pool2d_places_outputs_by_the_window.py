"""Outputs are found by the size of the window, and not by the stride.

Cause: The output of the window that starts in row i is taken for the one of row i // HH. That is
so where the stride is the window, as in the first test.

Mend: Find it by the stride: row i // stride; or loop over the outputs, and let i*stride start.
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
    """Write the maximum of the window at pixel i, j to the output i // HH, j // WW."""
    right, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    _, (HH, WW), (stride_h, stride_w), _ = cache
    out = np.zeros_like(right)
    for i, j in np.ndindex(right.shape[2:]):
        out[:, :, i * stride_h // HH, j * stride_w // WW] = right[:, :, i, j]
    return out, cache


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give the gradient of output i // HH, j // WW to the window at pixel i, j."""
    _, (HH, WW), (stride_h, stride_w), _ = cache
    taken = np.zeros_like(dout)
    for i, j in np.ndindex(dout.shape[2:]):
        taken[:, :, i, j] = dout[:, :, i * stride_h // HH, j * stride_w // WW]
    return right_backward(taken, cache)
