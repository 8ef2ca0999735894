"""Outputs overwrite each other, or have no place, where the output is not square.

Cause: The row of output (i, j) in the matrix of windows is counted as i*H_out + j.

Mend: Count along the width: row i*W_out + j.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward as right_forward

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[FloatArray, Any]:
    """Multiply a matrix with a row for each window, found at i*H_out + j."""
    out, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    H_out, W_out = out.shape[2:]
    rows = np.zeros((*out.shape[:2], H_out * W_out), dtype=out.dtype)
    if b is not None:
        rows += b[:, None]  # what a window of zeros gives
    for i, j in np.ndindex(H_out, W_out):
        rows[:, :, i * H_out + j] = out[:, :, i, j]
    return rows.reshape(out.shape), cache


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back from row k to the place k // H_out, k % W_out."""
    H_out, W_out = dout.shape[2:]
    rows, moved = dout.reshape(*dout.shape[:2], -1), np.zeros_like(dout)
    for k in range(H_out * W_out):
        moved[:, :, k // H_out, k % W_out] += rows[:, :, k]
    return right_backward(moved, cache)
