"""There is nothing to slide over at padding 0.

Cause: np.pad(x, pad) pads all four axes; x_pad[pad:-pad, pad:-pad] takes the images and channels of
zeros away again, and everything where -pad is -0.

Mend: Pad H and W alone: np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w))).
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
    """Slide the filters over images that were padded on every axis and cut out again."""
    pad_h, pad_w = as_pair(padding)
    x_pad = np.pad(x, ((pad_h, pad_h), (pad_h, pad_h), (pad_h, pad_h), (pad_w, pad_w)))
    x_pad = x_pad[pad_h:-pad_h, pad_h:-pad_h]
    out, _ = right_forward(x_pad, w, b, stride=stride, padding=0, dilation=dilation, groups=groups)
    _, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return out, cache
