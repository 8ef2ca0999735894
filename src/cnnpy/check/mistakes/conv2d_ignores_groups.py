"""Every filter sees the channels of the first group.

Cause: The channels are taken from 0 on, whatever the group of the filter.

Mend: Filter f of F sees the channels of group g = f // (F // groups).
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
    """Slide all filters over the first group's channels."""
    first = x[:, : w.shape[1]]
    out, cache = right_forward(first, w, b, stride=stride, padding=padding, dilation=dilation)
    return out, (cache, x.shape)


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send all gradients back to the first group's channels."""
    inner, x_shape = cache
    dfirst, dw, db = right_backward(dout, inner)
    dx = np.zeros(x_shape, dtype=dout.dtype)
    dx[:, : dfirst.shape[1]] = dfirst
    return dx, dw, db
