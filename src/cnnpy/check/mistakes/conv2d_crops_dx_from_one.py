"""dx is cut out from pixel 1 on, whatever the padding.

Cause: The padding of the first test is written into the slice: dx_pad[:, :, 1 : H + 1, 1 : W + 1].

Mend: Begin at the padding: dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W].
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
    """Send the gradient back, and cut dx out as if the padding were 1."""
    x, w, b, stride, (pad_h, pad_w), dilation, groups = cache
    H, W = x.shape[2:]
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    dx_pad, dw, db = right_backward(dout, (x_pad, w, b, stride, (0, 0), dilation, groups))
    return dx_pad[:, :, 1 : H + 1, 1 : W + 1], dw, db
