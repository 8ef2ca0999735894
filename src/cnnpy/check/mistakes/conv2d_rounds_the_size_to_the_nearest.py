"""Where half a stride or more is left over, the output is a row or a column too large.

Cause: round(1 + (H + 2*padding - HH) / stride) counts a last window that does not fit where the
remainder is large.

Mend: Round down: 1 + (H + 2*padding - HH) // stride, as // does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
    """Slide the filters over the images, the number of places rounded to the nearest."""
    (stride_h, stride_w), (pad_h, pad_w) = as_pair(stride), as_pair(padding)
    dilation_h, dilation_w = as_pair(dilation)
    out, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    H_out = _count(x.shape[2], dilation_h * (w.shape[2] - 1) + 1, stride_h, pad_h)
    W_out = _count(x.shape[3], dilation_w * (w.shape[3] - 1) + 1, stride_w, pad_w)
    more = (0, H_out - out.shape[2]), (0, W_out - out.shape[3])
    return np.pad(out, ((0, 0), (0, 0), *more)), cache


def _count(size: int, window: int, stride: int, padding: int) -> int:
    free = size + 2 * padding - window
    return round(1 + free / stride)
