"""Each of several equal maxima gets the whole gradient.

Cause: The gradient is multiplied with the mask window == window.max(), which is 1 at every tie;
it sums to k times dout, which no subgradient does.

Mend: Give it to one: np.unravel_index(window.argmax(), window.shape), the first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to every entry that equals the maximum."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        window = x[n, c, rows, columns]
        dx[n, c, rows, columns] += dout[n, c, i, j] * (window == window.max())
    return dx
