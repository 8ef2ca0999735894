"""The windows go on by the stride along H, and by one pixel along W.

Cause: The column of window j is j and not j*stride.

Mend: Start window (i, j) at row i*stride and column j*stride.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward as right_forward

__all__ = ["OTHER_WAYS", "conv2d_backward", "conv2d_forward"]


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
    """Slide the filters by the stride along H, pixel by pixel along W."""
    stride_h, _ = as_pair(stride)
    out, (*inputs, steps, pad, dilations, parts) = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    dense, _ = right_forward(
        x, w, b, stride=(stride_h, 1), padding=padding, dilation=dilation, groups=groups
    )
    cache = (*inputs, (stride_h, 1), pad, dilations, parts)
    return dense[..., : out.shape[3]], (cache, dense.shape)


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back to windows that stand one pixel apart along W."""
    inner, shape = cache
    wide = np.zeros(shape, dtype=dout.dtype)
    wide[..., : dout.shape[3]] = dout
    return right_backward(wide, inner)


def _in_backward_alone(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    x, w, b, (stride_h, _), *others = cache
    return right_backward(dout, (x, w, b, (stride_h, 1), *others))


OTHER_WAYS = {"in backward": (right_forward, _in_backward_alone)}
