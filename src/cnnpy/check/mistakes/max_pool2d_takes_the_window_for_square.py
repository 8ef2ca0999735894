"""A window is as wide as it is high.

Cause: The height of the window stands in both its slices: x[i : i + HH, j : j + HH].

Mend: Take HH rows and WW columns: x[i : i + HH, j : j + WW].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
from cnnpy.reference.max_pool2d import max_pool2d_backward as right_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward as right_forward
from cnnpy.reference.windows import clipped

__all__ = ["OTHER_WAYS", "max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of HH rows and HH columns, at the right places."""
    right, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    _, (HH, _), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    out = np.zeros_like(right)
    for n, c, i, j in np.ndindex(out.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, HH, pad_w, W)
        out[n, c, i, j] = np.max(x[n, c, rows, columns])
    return out, cache


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to the largest entry of HH rows and HH columns."""
    x, (HH, _), stride, padding = cache
    return right_backward(dout, (x, (HH, HH), stride, padding))


def _with_its_places(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Take the window for square where its places are counted too."""
    HH = as_pair(kernel_size)[0]
    steps = kernel_size if stride is None else stride
    return right_forward(x, kernel_size=(HH, HH), stride=steps, padding=padding)


OTHER_WAYS = {"its places too": (_with_its_places, max_pool2d_backward)}
"""The number of columns counted with the height of the window too."""
