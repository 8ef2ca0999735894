"""Where a window is not square, the gradient goes to another row than that of the largest.

Cause: The row of the largest entry is worked out as (place - place % WW) / HH.

Mend: Divide by the width, place // WW and place % WW, or use np.unravel_index.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to row (place - place % WW) // HH and column place % WW."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        place = int(np.argmax(x[n, c, rows, columns]))
        u, v = (place - place % WW) // HH, place % WW
        dx[n, c, rows.start + u, columns.start + v] += dout[n, c, i, j]
    return dx
