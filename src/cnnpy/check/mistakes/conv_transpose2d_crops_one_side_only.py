"""All of the padding is cut off the top and the left.

Cause: The output is cut from 2*padding on, instead of by the padding on either side.

Mend: Cut both sides: out_full[:, :, pad_h : pad_h + H_out, pad_w : pad_w + W_out].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
from cnnpy.reference.conv_transpose2d import conv_transpose2d_backward as right_backward
from cnnpy.reference.conv_transpose2d import conv_transpose2d_forward as right_forward

__all__ = ["conv_transpose2d_backward", "conv_transpose2d_forward"]


def conv_transpose2d_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[FloatArray, Any]:
    """Spread each pixel, and cut twice the padding off the top and the left."""
    pad_h, pad_w = as_pair(padding)
    out_full, cache = right_forward(
        x, w, b, stride=stride, output_padding=output_padding, dilation=dilation, groups=groups
    )
    return out_full[:, :, 2 * pad_h :, 2 * pad_w :], (cache, out_full.shape, (pad_h, pad_w))


def conv_transpose2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Collect the gradients from an output that was cut at the top and the left."""
    inner, full_shape, (pad_h, pad_w) = cache
    dout_full = np.zeros(full_shape, dtype=dout.dtype)
    dout_full[:, :, 2 * pad_h :, 2 * pad_w :] = dout
    return right_backward(dout_full, inner)
