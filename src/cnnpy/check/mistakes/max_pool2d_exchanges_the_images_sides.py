"""The output of an image that is not square lies on its side.

Cause: The image's width is taken for its height and its height for its width: N, C, W, H = x.shape.

Mend: Height comes first: N, C, H, W = x.shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair, out_size
from cnnpy.reference.max_pool2d import max_pool2d_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward as right_forward
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Give as many rows of windows as the width has, as many columns as the height has."""
    _, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    _, (HH, WW), (stride_h, stride_w), _ = cache
    pad_h, pad_w = as_pair(padding)
    N, C, H, W = x.shape
    rows_out, columns_out = out_size(W, HH, stride_h, pad_h, 1), out_size(H, WW, stride_w, pad_w, 1)
    out = np.zeros((N, C, max(rows_out, 0), max(columns_out, 0)), dtype=x.dtype)
    for n, c, i, j in np.ndindex(out.shape):
        rows, columns = clipped(i, stride_h, HH, pad_h, H), clipped(j, stride_w, WW, pad_w, W)
        out[n, c, i, j] = np.max(x[n, c, rows, columns])
    return out, cache
