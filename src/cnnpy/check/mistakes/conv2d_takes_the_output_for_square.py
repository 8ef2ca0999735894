"""The output is as wide as it is high.

Cause: The number of columns is that of the rows: out has the shape (N, F, H_out, H_out).

Mend: Count both: W_out = 1 + (W + 2*padding - WW) // stride, and reshape to (N, F, H_out, W_out).
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
    """Slide the filters over each image as if its output were square."""
    out, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    N, F, H_out, W_out = out.shape
    square = np.zeros((N, F, H_out, H_out), dtype=out.dtype)
    kept = min(H_out, W_out)
    square[..., :kept] = out[..., :kept]
    return square, cache
