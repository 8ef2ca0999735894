"""An entry that is the maximum of several windows keeps the gradient of one.

Cause: The gradient is assigned (=) and not added (+=).

Mend: Add: dx[n, c, rows, columns][u, v] += dout[n, c, i, j].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to its entry, over the one before."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        window = x[n, c, rows, columns]
        u, v = np.unravel_index(np.argmax(window), window.shape)
        dx[n, c, rows, columns][u, v] = dout[n, c, i, j]
    return dx
