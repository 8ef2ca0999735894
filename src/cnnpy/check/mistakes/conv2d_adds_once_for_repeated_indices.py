"""Where windows overlap, dx has what one of them gave, and not the sum.

Cause: dx_pad[:, :, rows, columns] += ... adds once for an index that stands several times, since
NumPy reads all before it writes.

Mend: Add with np.add.at(dx_pad, (slice(None), slice(None), rows, columns), ...), which adds each
time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back, to each pixel from the last place in a window that covers it."""
    x, w, _, (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), groups = cache
    F, C_group, HH, WW = w.shape
    N, C, H, W = x.shape
    _, dw, db = right_backward(dout, cache)
    H_out, W_out = dout.shape[2:]
    dx_pad = np.zeros((N, C, H + 2 * pad_h, W + 2 * pad_w), dtype=x.dtype)
    by_group = dout.reshape(N, groups, F // groups, H_out, W_out)
    filters = w.reshape(groups, F // groups, C_group, HH, WW)
    for u, v in np.ndindex(HH, WW):
        given = np.einsum("ngfij,gfc->ngcij", by_group, filters[..., u, v])
        rows = slice(u * dilation_h, u * dilation_h + stride_h * (H_out - 1) + 1, stride_h)
        columns = slice(v * dilation_w, v * dilation_w + stride_w * (W_out - 1) + 1, stride_w)
        dx_pad[:, :, rows, columns] = given.reshape(N, C, H_out, W_out)
    return dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W], dw, db
