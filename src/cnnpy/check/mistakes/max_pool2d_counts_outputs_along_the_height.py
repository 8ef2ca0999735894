"""Outputs overwrite each other, or have no place, where the output is not square.

Cause: The row of output (i, j) in the matrix of windows is counted as i*H_out + j.

Mend: Count along the width: row i*W_out + j.
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
    """Take the maxima of a matrix with a row for each window, found at i*H_out + j."""
    out, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    H_out, W_out = out.shape[2:]
    rows = np.zeros((*out.shape[:2], H_out * W_out), dtype=out.dtype)
    for i, j in np.ndindex(H_out, W_out):
        rows[:, :, i * H_out + j] = out[:, :, i, j]
    return rows.reshape(out.shape), cache


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Send the gradient back from row k to the place k // H_out, k % W_out."""
    H_out, W_out = dout.shape[2:]
    rows, moved = dout.reshape(*dout.shape[:2], -1), np.zeros_like(dout)
    for k in range(H_out * W_out):
        moved[:, :, k // H_out, k % W_out] += rows[:, :, k]
    return right_backward(moved, cache)
