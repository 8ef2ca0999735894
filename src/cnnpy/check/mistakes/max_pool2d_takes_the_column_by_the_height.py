"""In windows that are not square the gradient goes to a wrong column, or backward breaks.

Cause: The place of the maximum, counted row by row, is place % HH taken for its column.

Mend: A row has WW places: place // WW is the row, place % WW the column; np.unravel_index(place,
(HH, WW)) gives both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Send the gradient back to place // WW, place % HH."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    dx: FloatArray = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        place = int(np.argmax(x[n, c, rows, columns]))
        dx[n, c, rows.start + place // WW, columns.start + place % HH] += dout[n, c, i, j]
    return dx
