"""It breaks where the output is not square.

Cause: The loops are exchanged: the one whose variable is the row goes on to the number of columns,
range(W_out), and the other to that of rows.

Mend: Let rows go to H_out and columns to W_out: for i in range(H_out): for j in range(W_out).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.max_pool2d import max_pool2d_backward as right_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward as right_forward

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Walk over as many rows as there are columns, and over as many columns as rows."""
    out, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    return _walked(out), cache


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Send the gradient back on the same way."""
    return right_backward(_walked(dout), cache)


def _walked(outputs: FloatArray) -> FloatArray:
    H_out, W_out = outputs.shape[2:]
    walked = np.zeros_like(outputs)
    for i, j in np.ndindex(W_out, H_out):
        walked[:, :, i, j] = outputs[:, :, i, j]
    return walked
