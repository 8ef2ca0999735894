"""Backward breaks where the kernel is not square.

Cause: The height of the kernel stands where its width belongs, in a slice, a loop or a reshape.

Mend: Take HH along the rows and WW along the columns, everywhere:
x_pad[n, :, i : i + HH, j : j + WW].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward
from cnnpy.reference.windows import covered

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back to windows of WW rows and HH columns."""
    x, w, b, (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), groups = cache
    F, C_group, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    dw = np.zeros_like(w)
    for n, f, i, j in np.ndindex(dout.shape):
        g = f // (F // groups)
        channels = slice(g * C_group, (g + 1) * C_group)
        rows = covered(i, stride_h, WW, dilation_h)
        columns = covered(j, stride_w, HH, dilation_w)
        dw[f] += dout[n, f, i, j] * x_pad[n, channels, rows, columns]
    dx, _, db = right_backward(dout, cache)
    return dx, dw, db
