"""Backward overwrites the caller's images with their gradient.

Cause: Without padding x_pad is x itself, and its memory is used for dx.

Mend: Make an array for dx: np.zeros_like(x_pad).
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
    """Slide the filters over the images, padded where there is a padding."""
    pad_h, pad_w = as_pair(padding)
    x_pad = x
    if pad_h or pad_w:
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    out, cache = right_forward(x_pad, w, b, stride=stride, dilation=dilation, groups=groups)
    return out, (cache, (pad_h, pad_w))


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back, written over the images."""
    inner, (pad_h, pad_w) = cache
    x_pad = inner[0]
    dx_pad, dw, db = right_backward(dout, inner)
    x_pad[...] = dx_pad
    H, W = x_pad.shape[2] - 2 * pad_h, x_pad.shape[3] - 2 * pad_w
    return x_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W], dw, db
