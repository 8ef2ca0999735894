"""The output is as wide as it is high.

Cause: The number of columns is that of the rows: out has the shape (N, C, H_out, H_out).

Mend: Count both: W_out = 1 + (W - WW) // stride.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.avg_pool2d import avg_pool2d_backward
from cnnpy.reference.avg_pool2d import avg_pool2d_forward as right_forward

__all__ = ["avg_pool2d_backward", "avg_pool2d_forward"]


def avg_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    count_include_pad: bool = True,
) -> tuple[FloatArray, Any]:
    """Keep the mean of each window, as if the output were square."""
    out, cache = right_forward(
        x,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        count_include_pad=count_include_pad,
    )
    N, C, H_out, W_out = out.shape
    square = np.zeros((N, C, H_out, H_out), dtype=out.dtype)
    kept = min(H_out, W_out)
    square[..., :kept] = out[..., :kept]
    return square, cache
