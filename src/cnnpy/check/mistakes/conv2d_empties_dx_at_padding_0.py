"""dx is empty at padding 0.

Cause: dx_pad[:, :, pad:-pad, pad:-pad] ends at -0, which is the start, when nothing was padded.

Mend: Give the end a size: dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W].
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
    """Send the gradient back, and cut dx out with negative ends."""
    x, w, b, stride, (pad_h, pad_w), dilation, groups = cache
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    dx_pad, dw, db = right_backward(dout, (x_pad, w, b, stride, (0, 0), dilation, groups))
    return dx_pad[:, :, pad_h:-pad_h, pad_w:-pad_w], dw, db
