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
    """Walk over as many rows as there are columns, and over as many columns as rows."""
    out, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return _walked(out), cache


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back on the same way."""
    return right_backward(_walked(dout), cache)


def _walked(outputs: FloatArray) -> FloatArray:
    H_out, W_out = outputs.shape[2:]
    walked = np.zeros_like(outputs)
    for i, j in np.ndindex(W_out, H_out):
        walked[:, :, i, j] = outputs[:, :, i, j]
    return walked
