"""Zeros of the padding win over negative entries.

Cause: The images are padded with 0, which a maximum sees.

Mend: Pad with -np.inf, or leave what lies outside of the image out of the window.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
from cnnpy.reference.max_pool2d import max_pool2d_backward as right_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward as right_forward

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of each window of images padded with zeros."""
    pad_h, pad_w = as_pair(padding)
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    out, cache = right_forward(x_pad, kernel_size=kernel_size, stride=stride)
    return out, (cache, x.shape, (pad_h, pad_w))


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to its entry, and cut the padding off."""
    inner, (N, C, H, W), (pad_h, pad_w) = cache
    return right_backward(dout, inner)[:, :, pad_h : pad_h + H, pad_w : pad_w + W]
