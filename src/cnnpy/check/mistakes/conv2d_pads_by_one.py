"""The images are padded by 1, whatever the padding.

Cause: The padding of the first test is written into np.pad as a number.

Mend: Pad by the option: np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w))).
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
    """Slide the filters over images padded by one."""
    return right_forward(x, w, b, stride=stride, padding=1, dilation=dilation, groups=groups)
