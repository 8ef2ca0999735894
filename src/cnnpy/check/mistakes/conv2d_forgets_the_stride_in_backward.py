"""Backward walks over the images pixel by pixel.

Cause: Backward takes x_pad[i : i + HH] where forward took x_pad[i*stride : i*stride + HH].

Mend: Take the same window in both passes: it starts at i*stride.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.conv2d import conv2d_forward
from cnnpy.reference.windows import covered

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back to windows that stand one pixel apart."""
    x, w, b, (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), groups = cache
    F, C_group, HH, WW = w.shape
    H, W = x.shape[2:]
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    for n, f, i, j in np.ndindex(dout.shape):
        g = f // (F // groups)
        channels = slice(g * C_group, (g + 1) * C_group)
        rows = covered(i, 1, HH, dilation_h)
        columns = covered(j, 1, WW, dilation_w)
        dx_pad[n, channels, rows, columns] += dout[n, f, i, j] * w[f]
        dw[f] += dout[n, f, i, j] * x_pad[n, channels, rows, columns]
    db = None if b is None else dout.sum(axis=(0, 2, 3))
    return dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W], dw, db
