"""dx is cut out of dx_pad with half of the kernel's size instead of the padding.

Cause: dx_pad[:, :, HH//2 : -(HH//2), HH//2 : -(HH//2)] is right where the padding keeps the size
of the image: 1 for a kernel of 3.

Mend: Cut with the padding: dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward

__all__ = ["OTHER_WAYS", "conv2d_backward", "conv2d_forward"]


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back, and cut half of the kernel's height off each side of dx."""
    HH = cache[1].shape[2]
    return _cropped(dout, cache, HH // 2, HH // 2)


def _by_both_sides(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Cut half of the kernel's width off the sides."""
    HH, WW = cache[1].shape[2:]
    return _cropped(dout, cache, HH // 2, WW // 2)


def _around_the_middle(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Cut off what lies beside the middle of the kernel."""
    HH, WW = cache[1].shape[2:]
    return _cropped(dout, cache, (HH - 1) // 2, (WW - 1) // 2)


OTHER_WAYS = {
    "by both sides": (conv2d_forward, _by_both_sides),
    "around the middle": (conv2d_forward, _around_the_middle),
}
"""Half of each side off its own axis; and what lies beside the middle of the kernel."""


def _cropped(
    dout: FloatArray, cache: Any, half_h: int, half_w: int
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    x, w, b, stride, (pad_h, pad_w), dilation, groups = cache
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    dx_pad, dw, db = right_backward(dout, (x_pad, w, b, stride, (0, 0), dilation, groups))
    return dx_pad[:, :, half_h:-half_h, half_w:-half_w], dw, db
