"""The filters are turned by half a turn.

Cause: It is computed as a convolution of the spread-out image with w, which needs the flip of
w.

Mend: Add x[n, c, i, j] * w[c] to the window, w as it is.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.conv_transpose2d import conv_transpose2d_backward as right_backward
from cnnpy.reference.conv_transpose2d import conv_transpose2d_forward as right_forward

__all__ = ["conv_transpose2d_backward", "conv_transpose2d_forward"]


def conv_transpose2d_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[FloatArray, Any]:
    """Spread each pixel over the flipped filters."""
    return right_forward(
        x,
        w[:, :, ::-1, ::-1],
        b,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
    )


def conv_transpose2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Collect the gradients through the flipped filters."""
    dx, dw, db = right_backward(dout, cache)
    return dx, dw[:, :, ::-1, ::-1], db
