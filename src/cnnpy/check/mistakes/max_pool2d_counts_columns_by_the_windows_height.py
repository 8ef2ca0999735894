"""Where the window is not square, the output has the wrong number of columns.

Cause: The line that counts the rows was copied for the columns, and HH stayed: W_out = 1 + (W -
HH) // stride.

Mend: Count the columns by what lies along W: W_out = 1 + (W - WW) // stride.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair, out_size
from cnnpy.reference.max_pool2d import max_pool2d_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward as right_forward

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Give as many columns as the height of the window allows."""
    HH, WW = as_pair(kernel_size)
    _, stride_w = (HH, WW) if stride is None else as_pair(stride)
    _, pad_w = as_pair(padding)
    out, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    W_out = out_size(x.shape[3], HH, stride_w, pad_w, 1)
    wide = np.zeros((*out.shape[:3], max(W_out, 0)), dtype=out.dtype)
    kept = min(W_out, out.shape[3])
    wide[..., :kept] = out[..., :kept]
    return wide, cache
