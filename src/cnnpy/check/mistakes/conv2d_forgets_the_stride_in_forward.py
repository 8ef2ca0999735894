"""The windows stand one pixel apart, though as many are taken as the stride allows.

Cause: Forward takes x_pad[i : i + HH], where window i starts at i*stride.

Mend: Start window i at i*stride: x_pad[n, :, i*stride : i*stride + HH, j*stride : j*stride + WW].
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.conv2d import conv2d_backward
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
    """Slide the filters pixel by pixel, for as many places as the stride allows."""
    out, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    H_out, W_out = out.shape[2:]
    dense, _ = right_forward(x, w, b, padding=padding, dilation=dilation, groups=groups)
    return dense[:, :, :H_out, :W_out], cache
