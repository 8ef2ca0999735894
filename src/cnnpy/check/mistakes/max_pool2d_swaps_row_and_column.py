"""The gradient goes to the entry that mirrors the largest across the diagonal.

Cause: Row and column of the largest entry are taken the wrong way round.

Mend: The row is place // WW and the column place % WW; np.unravel_index gives them in this order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to row place % WW and column place // WW."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        place = int(np.argmax(x[n, c, rows, columns]))
        u, v = place % WW, place // WW
        dx[n, c, rows.start + u, columns.start + v] += dout[n, c, i, j]
    return dx
