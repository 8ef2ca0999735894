"""dw is wrong, or breaks, for strides of more than 1.

Cause: Of dw[f, c, u, v] the pixels are taken from u*stride on, one next to the other:
x_pad[u*stride : u*stride + H_out]. The stride goes with the outputs, not with the kernel.

Mend: Start at u and go on by the stride: x_pad[:, u : u + stride*H_out : stride, ...].
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
    """Send the gradient back, that of the filters from pixels side by side."""
    x, w, _, (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), groups = cache
    dx, dw, db = right_backward(dout, cache)
    F, C_group, HH, WW = w.shape
    H_out, W_out = dout.shape[2:]
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    for f, c, u, v in np.ndindex(F, C_group, HH, WW):
        channel = f // (F // groups) * C_group + c
        top, left = u * dilation_h * stride_h, v * dilation_w * stride_w
        pixels = x_pad[:, channel, top : top + H_out, left : left + W_out]
        dw[f, c, u, v] = np.sum(pixels * dout[:, f])
    return dx, dw, db
