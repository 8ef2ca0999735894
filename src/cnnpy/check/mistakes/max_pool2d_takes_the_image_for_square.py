"""The image's height is used for its width too.

Cause: One image size is read from x.shape and used along both axes, or the line that counts the
rows was copied for the columns: W_out = 1 + (H - WW) // stride.

Mend: Read both: N, C, H, W = x.shape, and let W decide along W.
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
    """Keep the largest entry of each window of a square image."""
    HH, WW = as_pair(kernel_size)
    stride_h, stride_w = (HH, WW) if stride is None else as_pair(stride)
    pad_h, pad_w = as_pair(padding)
    N, C, H, _ = x.shape
    H_out = out_size(H, HH, stride_h, pad_h, 1)
    W_out = out_size(H, WW, stride_w, pad_w, 1)
    out = np.zeros((N, C, H_out, W_out), dtype=x.dtype)
    for n, c, i, j in np.ndindex(out.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, H)
        out[n, c, i, j] = np.max(x[n, c, rows, columns])
    return out, (x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w))


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to its entry of a square image."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H = x.shape[2]
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, H)
        window = x[n, c, rows, columns]
        u, v = np.unravel_index(np.argmax(window), window.shape)
        dx[n, c, rows, columns][u, v] += dout[n, c, i, j]
    return dx
