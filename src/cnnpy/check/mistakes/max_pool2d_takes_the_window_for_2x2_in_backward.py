"""Backward is right for windows of 2x2 with a stride of 2 alone.

Cause: The window and the stride of the first test are written into backward as numbers:
x[2*i : 2*i + 2], or dx[:, :, ::2, ::2] = dout.

Mend: Read them from what forward kept: pool_height, pool_width and stride.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import out_size
from cnnpy.reference.max_pool2d import max_pool2d_backward as right_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["OTHER_WAYS", "max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to the largest entry of a window of 2x2."""
    x, _, _, padding = cache
    return right_backward(dout, (x, (2, 2), (2, 2), padding))


def _counted_anew(dout: FloatArray, cache: Any) -> FloatArray:
    """Walk over as many windows of 2x2 as there are in x."""
    x, _, _, padding = cache
    H_out, W_out = (out_size(n, 2, 2, p, 1) for n, p in zip(x.shape[2:], padding, strict=True))
    if H_out > dout.shape[2] or W_out > dout.shape[3]:
        raise IndexError("there is no gradient for the last windows")
    return max_pool2d_backward(dout[:, :, :H_out, :W_out], cache)


def _by_indices(dout: FloatArray, cache: Any) -> FloatArray:
    """Take every pixel of a window by its index, which breaks for one beyond the image."""
    x, _, _, padding = cache
    for size, n, pad in zip(x.shape[2:], dout.shape[2:], padding, strict=True):
        if 2 * n > size + 2 * pad:
            raise IndexError("the last windows reach beyond the image")
    return max_pool2d_backward(dout, cache)


def _spread_in_quarters(dout: FloatArray, cache: Any) -> FloatArray:
    """Write dout to all four pixels of each 2x2, and keep it where forward found a maximum."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    is_largest, spread = np.zeros(x.shape, dtype=bool), np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        window = x[n, c, rows, columns]
        is_largest[n, c, rows, columns] |= window == window.max()
    for u, v in np.ndindex(2, 2):
        spread[:, :, u::2, v::2] = dout
    return spread * is_largest


OTHER_WAYS = {
    "counted anew": (max_pool2d_forward, _counted_anew),
    "by indices": (max_pool2d_forward, _by_indices),
    "in quarters": (max_pool2d_forward, _spread_in_quarters),
}
