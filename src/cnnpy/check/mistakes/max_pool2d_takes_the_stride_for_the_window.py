"""Each window is as large as the stride.

Cause: The window ends where the next one starts: x[i*stride : (i + 1)*stride].

Mend: End window i at i*stride + HH.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair, out_size
from cnnpy.reference.max_pool2d import max_pool2d_backward as right_backward
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of windows as large as the stride."""
    HH, WW = as_pair(kernel_size)
    stride_h, stride_w = (HH, WW) if stride is None else as_pair(stride)
    pad_h, pad_w = as_pair(padding)
    N, C, H, W = x.shape
    H_out = out_size(H, HH, stride_h, pad_h, 1)
    W_out = out_size(W, WW, stride_w, pad_w, 1)
    out = np.zeros((N, C, H_out, W_out), dtype=x.dtype)
    for n, c, i, j in np.ndindex(out.shape):
        rows = clipped(i, stride_h, stride_h, pad_h, H)
        columns = clipped(j, stride_w, stride_w, pad_w, W)
        out[n, c, i, j] = np.max(x[n, c, rows, columns])
    return out, (x, (stride_h, stride_w), (pad_h, pad_w))


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to the largest entry of its window."""
    x, steps, pads = cache
    return right_backward(dout, (x, steps, steps, pads))
