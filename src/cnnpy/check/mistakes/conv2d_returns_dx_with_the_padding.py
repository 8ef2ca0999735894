"""dx is as large as the padded images.

Cause: The gradient of x_pad is returned as it is.

Mend: Cut the padding off: dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W].
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
    """Send the gradient back to the padded images."""
    x, w, b, stride, (pad_h, pad_w), dilation, groups = cache
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    return right_backward(dout, (x_pad, w, b, stride, (0, 0), dilation, groups))
