"""A window that is not square lies on its side.

Cause: Height and width of the window are exchanged in its slice: x[i : i + WW, j : j + HH].

Mend: Take HH rows and WW columns: x[i : i + HH, j : j + WW].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, out_size
from cnnpy.reference.max_pool2d import max_pool2d_forward as right_forward
from cnnpy.reference.windows import clipped

__all__ = ["OTHER_WAYS", "max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of WW rows and HH columns."""
    right, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    return _slid(right.shape, cache), cache


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to the largest entry of WW rows and HH columns."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, WW, pad_h, H)
        columns = clipped(j, stride_w, HH, pad_w, W)
        window = x[n, c, rows, columns]
        u, v = np.unravel_index(np.argmax(window), window.shape)
        dx[n, c, rows, columns][u, v] += dout[n, c, i, j]
    return dx


def _with_as_many_columns_as_the_height_has(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Count the columns by the image's height besides."""
    right, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    _, (_, WW), (_, stride_w), (_, pad_w) = cache
    W_out = out_size(x.shape[2], WW, stride_w, pad_w, 1)
    return _slid((*right.shape[:3], W_out), cache), cache


OTHER_WAYS = {
    "on an image that is taken for square": (
        _with_as_many_columns_as_the_height_has,
        max_pool2d_backward,
        "max_pool2d_takes_the_image_for_square",
    ),
}
"""Two sides confused at once."""


def _slid(shape: tuple[int, ...], cache: Any) -> FloatArray:
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    out: FloatArray = np.zeros(shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(*shape):
        rows = clipped(i, stride_h, WW, pad_h, H)
        columns = clipped(j, stride_w, HH, pad_w, W)
        out[n, c, i, j] = np.max(x[n, c, rows, columns])
    return out
