"""The output has H / HH rows, whatever the stride is.

Cause: The number of windows is taken to be the image divided by the window.

Mend: Count the steps: H_out = 1 + (H - HH) // stride.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of as many windows as would fit side by side."""
    HH, WW = as_pair(kernel_size)
    stride_h, stride_w = (HH, WW) if stride is None else as_pair(stride)
    pad_h, pad_w = as_pair(padding)
    N, C, H, W = x.shape
    out = np.zeros((N, C, (H + 2 * pad_h) // HH, (W + 2 * pad_w) // WW), dtype=x.dtype)
    for n, c, i, j in np.ndindex(out.shape):
        rows, columns = clipped(i, stride_h, HH, pad_h, H), clipped(j, stride_w, WW, pad_w, W)
        out[n, c, i, j] = np.max(x[n, c, rows, columns])
    return out, (x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w))


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to the entry that it was copied from."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n, c in np.ndindex(x.shape[:2]):
        for i in range((H + 2 * pad_h) // HH):
            for j in range((W + 2 * pad_w) // WW):
                rows = clipped(i, stride_h, HH, pad_h, H)
                columns = clipped(j, stride_w, WW, pad_w, W)
                window = x[n, c, rows, columns]
                u, v = np.unravel_index(np.argmax(window), window.shape)
                dx[n, c, rows, columns][u, v] += dout[n, c, i, j]
    return dx
