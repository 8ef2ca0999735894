"""Where windows overlap, dx has what the last window wrote, zeros among it.

Cause: A whole window of dx is assigned (=): its mask times dout, zeros and all.

Mend: Add: dx[n, c, rows, columns] += mask * dout[n, c, i, j].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Write each window's gradient over what stood there before."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        window = x[n, c, rows, columns]
        mask = np.zeros(window.size)
        mask[np.argmax(window)] = 1.0
        dx[n, c, rows, columns] = mask.reshape(window.shape) * dout[n, c, i, j]
    return dx
