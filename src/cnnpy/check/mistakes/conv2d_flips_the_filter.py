"""The filters are turned by half a turn, as in mathematics.

Cause: Deep learning's convolution is a cross-correlation; the filter is not flipped.

Mend: Multiply the window with w[f] as it is.
"""

from __future__ import annotations

from typing import Any

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
    """Slide the flipped filters over the images."""
    return right_forward(
        x,
        w[:, :, ::-1, ::-1],
        b,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back through the flipped filters."""
    dx, dw, db = right_backward(dout, cache)
    return dx, dw[:, :, ::-1, ::-1], db
