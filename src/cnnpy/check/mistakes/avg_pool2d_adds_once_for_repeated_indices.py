"""Where windows overlap, dx has what one of them gave, and not the sum.

Cause: dx[:, :, rows, columns] += ... adds once for an index that stands several times, since NumPy
reads all before it writes.

Mend: Add with np.add.at(dx, (slice(None), slice(None), rows, columns), ...), which adds each time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.avg_pool2d import avg_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["avg_pool2d_backward", "avg_pool2d_forward"]


def avg_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each entry the share of the first window that covers it."""
    x_shape, (HH, WW), (stride_h, stride_w), (pad_h, pad_w), count_include_pad = cache
    H, W = x_shape[2:]
    dx = np.zeros(x_shape, dtype=dout.dtype)
    for n, c, i, j in list(np.ndindex(dout.shape))[::-1]:
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        size = HH * WW if count_include_pad else dx[n, c, rows, columns].size
        dx[n, c, rows, columns] = dout[n, c, i, j] / size
    return dx
