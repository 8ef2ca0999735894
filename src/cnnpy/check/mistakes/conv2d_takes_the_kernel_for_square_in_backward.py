"""Backward breaks for a kernel that is not square, or sends its gradient to other columns.

Cause: In backward the kernel's height stands in both slices: x_pad[..., i : i + HH, j : j + HH].

Mend: Take HH rows and WW columns: x_pad[..., i : i + HH, j : j + WW].
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
    """Send the gradient back to windows as wide as they are high."""
    x, w, b, (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), groups = cache
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    F, C_group, HH, _ = w.shape
    for n, f, i, j in np.ndindex(dout.shape):
        g = f // (F // groups)
        at = (
            n,
            slice(g * C_group, (g + 1) * C_group),
            covered(i, stride_h, HH, dilation_h),
            covered(j, stride_w, HH, dilation_w),
        )
        dw[f] += dout[n, f, i, j] * x_pad[at]
        dx_pad[at] += dout[n, f, i, j] * w[f]
    H, W = x.shape[2:]
    db = None if b is None else dout.sum(axis=(0, 2, 3))
    return dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W], dw, db
