"""The batch and the channels are padded too.

Cause: np.pad(x, padding) pads all four axes, so that image 0 and channel 0 are zeros.

Mend: Name the axes: np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w))).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward as right_forward

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[FloatArray, Any]:
    """Slide the filters over images that were padded along every axis."""
    N, C = x.shape[:2]
    pad_h, pad_w = as_pair(padding)
    x_pad = np.pad(x, ((pad_h, pad_h), (pad_h, pad_h), (pad_h, pad_h), (pad_w, pad_w)))
    read = x_pad[:N, :C]
    out, cache = right_forward(read, w, b, stride=stride, dilation=dilation, groups=groups)
    return out, (cache, x.shape, x_pad.shape, (pad_h, pad_w))


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back to what was read, and cut every axis."""
    inner, (N, C, H, W), padded_shape, (pad_h, pad_w) = cache
    dread, dw, db = right_backward(dout, inner)
    dx_pad = np.zeros(padded_shape, dtype=dout.dtype)
    dx_pad[:N, :C] = dread
    dx = dx_pad[pad_h : pad_h + N, pad_h : pad_h + C, pad_h : pad_h + H, pad_w : pad_w + W]
    return dx, dw, db
