"""One filter alone breaks forward for several images, and its db has no axis.

Cause: squeeze() drops every axis of length 1, that of the filters too where there is one.

Mend: Leave squeeze() out: sum over the axes that are to go, np.sum(..., axis=(1, 2, 3)).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.conv2d import conv2d_backward as right_backward
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
    """Write the outputs of each place, without their axes of length 1, into the output."""
    right, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    out = np.zeros_like(right)
    for i, j in np.ndindex(right.shape[2:]):
        out[:, :, i, j] = np.squeeze(right[:, :, i, j])
    return out, cache


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back, and drop the axes of length 1 of db."""
    dx, dw, db = right_backward(dout, cache)
    return dx, dw, None if db is None else np.squeeze(db)
