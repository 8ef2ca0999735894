"""Where maxima are tied, the gradient goes to an entry that is none of them.

Cause: The row and the column of the maximum are looked for each by itself: the first row that has
one, and the first column. With two maxima they may be of different ones.

Mend: Look for the place as a whole: np.unravel_index(window.argmax(), window.shape).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Send the gradient back to the first row and the first column with a maximum."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    dx: FloatArray = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        window = x[n, c, rows, columns]
        u, v = window.max(axis=1).argmax(), window.max(axis=0).argmax()
        dx[n, c, rows.start + u, columns.start + v] += dout[n, c, i, j]
    return dx
