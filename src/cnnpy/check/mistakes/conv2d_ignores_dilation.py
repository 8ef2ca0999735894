"""The filters stay dense at any dilation.

Cause: The option is taken and not used.

Mend: Take every dilation-th pixel: x_pad[i*stride : i*stride + dilation*(HH - 1) + 1 :
dilation].
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
    """Slide dense filters over the images."""
    return right_forward(x, w, b, stride=stride, padding=padding, groups=groups)
