"""Outputs are missing where there is much padding; where there is none, there are too many.

Cause: A window is started at every stride over the image without its padding, range(0, H, stride),
whether it fits or not.

Mend: Loop over the places of the output, range(H_out), and start window i at i*stride.
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
    """Slide the filters over every stride of the image, and write where there is a place."""
    stride_h, stride_w = as_pair(stride)
    right, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    H, W = x.shape[2:]
    out = np.zeros_like(right)
    for top in range(0, H, stride_h):
        for left in range(0, W, stride_w):
            i, j = top // stride_h, left // stride_w
            out[:, :, i, j] = right[:, :, i, j]
    return out, cache
