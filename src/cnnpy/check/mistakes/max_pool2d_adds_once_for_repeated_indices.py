"""Where windows overlap, dx has what one of them gave, and not the sum.

Cause: dx[:, :, rows, columns] += ... adds once for an index that stands several times, since NumPy
reads all before it writes.

Mend: Add with np.add.at(dx, (slice(None), slice(None), rows, columns), ...), which adds each time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each entry what its last place in a window gives, zeros among it."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    N, C, H, W = x.shape
    H_out, W_out = dout.shape[2:]
    dx_pad = np.zeros((N, C, H + 2 * pad_h, W + 2 * pad_w), dtype=x.dtype)
    given = np.zeros((HH, WW, *dout.shape), dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        window = x[n, c, rows, columns]
        u, v = np.unravel_index(np.argmax(window), window.shape)
        u, v = u + rows.start - (i * stride_h - pad_h), v + columns.start - (j * stride_w - pad_w)
        given[u, v, n, c, i, j] = dout[n, c, i, j]
    for u, v in np.ndindex(HH, WW):
        rows = slice(u, u + stride_h * (H_out - 1) + 1, stride_h)
        columns = slice(v, v + stride_w * (W_out - 1) + 1, stride_w)
        dx_pad[:, :, rows, columns] = given[u, v]
    return dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W]
