"""A batch of one, or a single filter, loses its axis.

Cause: np.squeeze removes every axis of length 1, the batch and the filters among them.

Mend: Keep the shape (N, F, H_out, W_out); squeeze nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
    """Slide the filters over the images, and drop axes of length 1."""
    out, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return np.squeeze(out), cache
