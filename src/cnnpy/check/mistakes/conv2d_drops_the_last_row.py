"""The last row of outputs is missing.

Cause: The 1 of 1 + (H + 2*padding - HH) // stride is forgotten along H.

Mend: Count the first place too: 1 + (H + 2*padding - dilation*(HH - 1) - 1) // stride.
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
    """Slide the filters over the images, down to the last row but one."""
    out, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return out[:, :, :-1], cache


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back without the last row."""
    dout = dout.copy()
    dout[:, :, -1] = 0
    return right_backward(dout, cache)
