"""max_pool2d: the definition.

out[n, c, i, j] = the largest entry of the image under the window at (i, j)

Padding widens the places of the window, it never wins: it counts as -inf. The
gradient goes to the first largest entry in row-major order. Sharing it out among
ties would be right too; giving all of it to each of them would not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
from cnnpy.reference.windows import clipped

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of each window.

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

    Returns
    -------
    out : ndarray of shape (N, C, H_out, W_out)
        ``H_out = 1 + (H + 2*padding - HH) // stride``, W_out alike.
    cache : tuple
        What `max_pool2d_backward` needs; it holds a reference to x.
    """
    HH, WW = as_pair(kernel_size)
    stride_h, stride_w = (HH, WW) if stride is None else as_pair(stride)
    pad_h, pad_w = as_pair(padding)
    N, C, H_out, W_out = shapes.max_pool2d(
        x.shape, kernel_size=(HH, WW), stride=(stride_h, stride_w), padding=(pad_h, pad_w)
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
                    out[n, c, i, j] = np.max(window)

    return out, (x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w))


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to the entry that it was copied from.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `max_pool2d_forward`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the images; where windows overlap, an entry collects a sum.
    """
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    N, C, H_out, W_out = dout.shape
    H, W = x.shape[2:]

    dx = np.zeros(x.shape, dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    rows = clipped(i, stride_h, HH, pad_h, H)
                    columns = clipped(j, stride_w, WW, pad_w, W)
                    window = x[n, c, rows, columns]
                    u, v = np.unravel_index(np.argmax(window), window.shape)
                    dx[n, c, rows, columns][u, v] += dout[n, c, i, j]
    return dx
