"""The rows and columns of output_padding are missing.

Cause: output_padding is left out of the output's size.

Mend: Add it: H_out = (H - 1)*stride - 2*padding + dilation*(HH - 1) + output_padding + 1.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.conv_transpose2d import conv_transpose2d_backward
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
    """Spread each pixel, onto an output without output_padding."""
    return right_forward(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)
