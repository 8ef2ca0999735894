"""All images but the first come out as zeros.

Cause: The index of the image is 0 in the body of the loop, or the loop over n is missing.

Mend: Loop over n and use x[n], out[n] and dout[n].
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
    """Slide the filters over the first image."""
    first, cache = right_forward(
        x[:1], w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    out = np.zeros((len(x), *first.shape[1:]), dtype=x.dtype)
    out[:1] = first
    return out, (cache, x.shape)


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the first image's gradient back."""
    inner, x_shape = cache
    dfirst, dw, db = right_backward(dout[:1], inner)
    dx = np.zeros(x_shape, dtype=dout.dtype)
    dx[:1] = dfirst
    return dx, dw, db
