"""The bias counts C times.

Cause: b[f] is added inside the loop over the channels.

Mend: Add b[f] once to every output of filter f, behind the sum over the channels.
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
    """Slide the filters over the images, and add the bias for each channel."""
    scaled = None if b is None else b * b.dtype.type(w.shape[1])
    out, (_, _, _, *sizes) = right_forward(
        x, w, scaled, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return out, (x, w, b, *sizes)
