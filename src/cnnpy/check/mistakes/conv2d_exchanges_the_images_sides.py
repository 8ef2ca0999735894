"""The output of an image that is not square lies on its side, or forward breaks.

Cause: The image's width is taken for its height and its height for its width: N, C, W, H = x.shape.

Mend: Height comes first: N, C, H, W = x.shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, out_size
from cnnpy.reference.conv2d import conv2d_backward
from cnnpy.reference.conv2d import conv2d_forward as right_forward
from cnnpy.reference.windows import covered

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
    """Give as many rows of windows as the width has, as many columns as the height has."""
    _, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    *_, (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), _ = cache
    F, C_group, HH, WW = w.shape
    H, W = x.shape[2:]
    rows_out = out_size(W, HH, stride_h, pad_h, dilation_h)
    columns_out = out_size(H, WW, stride_w, pad_w, dilation_w)
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    out = np.zeros((len(x), F, max(rows_out, 0), max(columns_out, 0)), dtype=x.dtype)
    for n, f, i, j in np.ndindex(out.shape):
        g = f // (F // groups)
        channels = slice(g * C_group, (g + 1) * C_group)
        rows = covered(i, stride_h, HH, dilation_h)
        columns = covered(j, stride_w, WW, dilation_w)
        out[n, f, i, j] = np.sum(x_pad[n, channels, rows, columns] * w[f])
        out[n, f, i, j] += 0 if b is None else b[f]
    return out, cache
