"""Backward breaks where the window is not square.

Cause: The height of the window stands where its width belongs, in a slice, a loop or a reshape.

Mend: Take HH along the rows and WW along the columns, everywhere: reshape(N, C, HH, WW).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Send the gradient back to windows that are brought into HH rows and HH columns."""
    x, (HH, _), (stride_h, stride_w), (pad_h, pad_w) = cache
    WW = cache[1][1]
    H, W = x.shape[2:]
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        place = int(np.argmax(x[n, c, rows, columns]))
        full = np.zeros(HH * WW, dtype=dx.dtype)
        full[place] = dout[n, c, i, j]
        square = full.reshape(HH, HH)
        dx[n, c, rows, columns] += square[: rows.stop - rows.start, : columns.stop - columns.start]
    return dx
