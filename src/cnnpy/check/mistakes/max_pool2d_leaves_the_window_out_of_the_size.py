"""The output has H / stride rows, however high the window is.

Cause: The size of the output is counted as H // stride, or (H + 1) // stride, which is right for
windows of 2x2 with a stride of 2.

Mend: Count the places that a window fits into: H_out = 1 + (H - HH) // stride.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
from cnnpy.reference.max_pool2d import max_pool2d_backward
from cnnpy.reference.windows import clipped

__all__ = ["OTHER_WAYS", "max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of H / stride windows, some of which may lack pixels."""
    return _pooled(x, kernel_size, stride, padding, 0)


def _of_one_pixel_more(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep those of (H + 1) / stride windows."""
    return _pooled(x, kernel_size, stride, padding, 1)


OTHER_WAYS = {"of one pixel more": (_of_one_pixel_more, max_pool2d_backward)}


def _pooled(
    x: FloatArray,
    kernel_size: int | Pair,
    stride: int | Pair | None,
    padding: int | Pair,
    more: int,
) -> tuple[FloatArray, Any]:
    HH, WW = as_pair(kernel_size)
    stride_h, stride_w = (HH, WW) if stride is None else as_pair(stride)
    pad_h, pad_w = as_pair(padding)
    N, C, H, W = x.shape
    sizes = (H + 2 * pad_h + more) // stride_h, (W + 2 * pad_w + more) // stride_w
    out = np.zeros((N, C, *sizes), dtype=x.dtype)
    for n, c, i, j in np.ndindex(out.shape):
        rows, columns = clipped(i, stride_h, HH, pad_h, H), clipped(j, stride_w, WW, pad_w, W)
        out[n, c, i, j] = np.max(x[n, c, rows, columns])
    return out, (x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w))
