"""Each window starts where the one before it ends, whatever the stride.

Cause: Window i is taken from i*HH on, while the output is counted by the stride.

Mend: Start window i at i*stride: x[i*stride : i*stride + HH].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair, out_size
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of windows side by side."""
    HH, WW = as_pair(kernel_size)
    stride_h, stride_w = (HH, WW) if stride is None else as_pair(stride)
    pad_h, pad_w = as_pair(padding)
    N, C, H, W = x.shape
    H_out = out_size(H, HH, stride_h, pad_h, 1)
    W_out = out_size(W, WW, stride_w, pad_w, 1)
    out = np.zeros((N, C, H_out, W_out), dtype=x.dtype)
    for n, c, i, j in np.ndindex(out.shape):
        rows = clipped(i, HH, HH, pad_h, H)
        columns = clipped(j, WW, WW, pad_w, W)
        out[n, c, i, j] = np.max(x[n, c, rows, columns])
    return out, (x, (HH, WW), (pad_h, pad_w))


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to the largest entry of its window."""
    x, (HH, WW), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, HH, HH, pad_h, H)
        columns = clipped(j, WW, WW, pad_w, W)
        window = x[n, c, rows, columns]
        u, v = np.unravel_index(np.argmax(window), window.shape)
        dx[n, c, rows, columns][u, v] += dout[n, c, i, j]
    return dx
