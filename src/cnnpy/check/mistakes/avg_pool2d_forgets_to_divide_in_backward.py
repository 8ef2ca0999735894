"""Each entry of a window gets the whole gradient.

Cause: Forward divided by the window's size, backward does not.

Mend: Divide: each of HH*WW entries gets dout / (HH*WW).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.avg_pool2d import avg_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["avg_pool2d_backward", "avg_pool2d_forward"]


def avg_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's whole gradient to every entry of its window."""
    x_shape, (HH, WW), (stride_h, stride_w), (pad_h, pad_w), _ = cache
    H, W = x_shape[2:]
    dx = np.zeros(x_shape, dtype=dout.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        dx[n, c, rows, columns] += dout[n, c, i, j]
    return dx
