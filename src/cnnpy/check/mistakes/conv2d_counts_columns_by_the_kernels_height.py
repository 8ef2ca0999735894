"""Where the kernel is not square, the output has the wrong number of columns.

Cause: The line that counts the rows was copied for the columns, and HH stayed: W_out = 1 + (W +
2*padding - HH) // stride.

Mend: Count the columns by what lies along W: W_out = 1 + (W + 2*padding - WW) // stride.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair, out_size
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
    """Give as many columns as the height of the filters allows."""
    (_, stride_w), (_, pad_w) = as_pair(stride), as_pair(padding)
    _, dilation_w = as_pair(dilation)
    out, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    W_out = out_size(x.shape[3], w.shape[2], stride_w, pad_w, dilation_w)
    wide = np.zeros((*out.shape[:3], max(W_out, 0)), dtype=out.dtype)
    kept = min(W_out, out.shape[3])
    wide[..., :kept] = out[..., :kept]
    return wide, cache
