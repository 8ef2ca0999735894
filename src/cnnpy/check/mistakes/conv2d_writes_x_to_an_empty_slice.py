"""At padding 0 forward breaks, or sees images of zeros.

Cause: The images are written into an array of zeros, x_pad[:, :, pad:-pad, pad:-pad] = x, and 0:-0
is an empty slice.

Mend: Give the end a size, x_pad[:, :, pad : pad + H, pad : pad + W] = x, or use np.pad.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
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
    """Slide the filters over what the slice of zeros has taken of the images."""
    right, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    seen = _padded(cache)
    out, _ = right_forward(seen, w, b, stride=stride, dilation=dilation, groups=groups)
    return out.reshape(right.shape), cache


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back to the filters from what the slice has taken."""
    _, w, b, stride, _, *others = cache
    dx, _, _ = right_backward(dout, cache)
    _, dw, db = right_backward(dout, (_padded(cache), w, b, stride, (0, 0), *others))
    return dx, dw, db


def _padded(cache: Any) -> FloatArray:
    x, _, _, _, (pad_h, pad_w), *_ = cache
    N, C, H, W = x.shape
    x_pad: FloatArray = np.zeros((N, C, H + 2 * pad_h, W + 2 * pad_w), dtype=x.dtype)
    x_pad[:, :, pad_h:-pad_h, pad_w:-pad_w] = x
    return x_pad
