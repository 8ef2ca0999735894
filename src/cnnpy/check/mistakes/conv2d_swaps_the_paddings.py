"""H is padded by the padding of W, and W by that of H.

Cause: The pair is read as (along W, along H).

Mend: Read pairs in the order of the axes: pad_h, pad_w = padding.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
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
    """Slide the filters over images with their paddings exchanged."""
    pad_w, pad_h = as_pair(padding)
    return right_forward(
        x, w, b, stride=stride, padding=(pad_h, pad_w), dilation=dilation, groups=groups
    )
