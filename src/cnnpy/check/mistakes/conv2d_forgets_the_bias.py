"""The bias is not added.

Cause: Forward sums the products and leaves out b.

Mend: Add b[f] to every output of filter f.
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
    """Slide the filters over the images, without bias."""
    out, (_, _, _, *sizes) = right_forward(
        x, w, None, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return out, (x, w, b, *sizes)
