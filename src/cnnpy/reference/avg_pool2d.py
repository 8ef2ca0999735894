"""avg_pool2d, the mean pooling: the definition.

out[n, c, i, j] = (sum of the image's entries under the window at (i, j)) / size

where `size` is HH·WW, the padding counted as zeros (count_include_pad), or the
number of entries of the image alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
from cnnpy.reference.windows import clipped

__all__ = ["avg_pool2d_backward", "avg_pool2d_forward"]


def avg_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    count_include_pad: bool = True,
) -> tuple[FloatArray, Any]:
    """Keep the mean of each window.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    kernel_size : int or (int, int)
        The window (HH, WW).
    stride : int or (int, int), optional
        From window to window; that of the window itself by default.
    padding : int or (int, int)
        At most half the window.
    count_include_pad : bool
        Whether the padding counts, as zeros.

    Returns
    -------
    out : ndarray of shape (N, C, H_out, W_out)
        ``H_out = 1 + (H + 2*padding - HH) // stride``, W_out alike.
    cache : tuple
        What `avg_pool2d_backward` needs: sizes only.
    """
    HH, WW = as_pair(kernel_size)
    stride_h, stride_w = (HH, WW) if stride is None else as_pair(stride)
    pad_h, pad_w = as_pair(padding)
    N, C, H_out, W_out = shapes.avg_pool2d(
        x.shape,
        kernel_size=(HH, WW),
        stride=(stride_h, stride_w),
        padding=(pad_h, pad_w),
        count_include_pad=count_include_pad,
    )
    H, W = x.shape[2:]

    out = np.zeros((N, C, H_out, W_out), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    rows = clipped(i, stride_h, HH, pad_h, H)
                    columns = clipped(j, stride_w, WW, pad_w, W)
                    window = x[n, c, rows, columns]
                    size = HH * WW if count_include_pad else window.size
                    out[n, c, i, j] = np.sum(window) / size

    cache = (x.shape, (HH, WW), (stride_h, stride_w), (pad_h, pad_w), count_include_pad)
    return out, cache


def avg_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Share each output's gradient out equally over its window.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `avg_pool2d_forward`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the images; where windows overlap, an entry collects a sum.
    """
    x_shape, (HH, WW), (stride_h, stride_w), (pad_h, pad_w), count_include_pad = cache
    N, C, H_out, W_out = dout.shape
    H, W = x_shape[2:]

    dx = np.zeros(x_shape, dtype=dout.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    rows = clipped(i, stride_h, HH, pad_h, H)
                    columns = clipped(j, stride_w, WW, pad_w, W)
                    window = dx[n, c, rows, columns]
                    size = HH * WW if count_include_pad else window.size
                    window += dout[n, c, i, j] / size
    return dx
