"""conv_transpose2d: the definition.

Each pixel is multiplied with a filter and added to the window that the filter
covers:

out_full[n, f, i·stride + u·dilation, j·stride + v·dilation] += x[n, c, i, j] · w[c, f, u, v]

and `padding` pixels are cut off each side. It is the adjoint of conv2d: what
conv2d's backward does to dout, this does to x.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
from cnnpy.reference.windows import covered

__all__ = ["conv_transpose2d_backward", "conv_transpose2d_forward"]


def conv_transpose2d_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[FloatArray, Any]:
    """Spread each pixel over the window of each filter.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    w : ndarray of shape (C, F/groups, HH, WW)
        Filters.
    b : ndarray of shape (F,) or None
        Biases.
    stride, padding, output_padding, dilation : int or (int, int)
        Along H and W.
    groups : int
        Parts that do not see each other.

    Returns
    -------
    out : ndarray of shape (N, F, H_out, W_out)
        ``H_out = (H - 1)*stride - 2*padding + dilation*(HH - 1) + output_padding + 1``.
    cache : tuple
        What `conv_transpose2d_backward` needs; it holds references to the inputs.
    """
    (stride_h, stride_w), (pad_h, pad_w) = as_pair(stride), as_pair(padding)
    dilation_h, dilation_w = as_pair(dilation)
    N, F, H_out, W_out = shapes.conv_transpose2d(
        x.shape,
        w.shape,
        None if b is None else b.shape,
        stride=(stride_h, stride_w),
        padding=(pad_h, pad_w),
        output_padding=as_pair(output_padding),
        dilation=(dilation_h, dilation_w),
        groups=groups,
    )
    _, C, H, W = x.shape
    _, F_group, HH, WW = w.shape
    C_group = C // groups

    out_full = np.zeros((N, F, H_out + 2 * pad_h, W_out + 2 * pad_w), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            g = c // C_group
            filters = slice(g * F_group, (g + 1) * F_group)
            for i in range(H):
                for j in range(W):
                    rows = covered(i, stride_h, HH, dilation_h)
                    columns = covered(j, stride_w, WW, dilation_w)
                    out_full[n, filters, rows, columns] += x[n, c, i, j] * w[c]
    out = out_full[:, :, pad_h : pad_h + H_out, pad_w : pad_w + W_out]
    if b is not None:
        for f in range(F):
            out[:, f] += b[f]

    cache = (x, w, b, (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), groups)
    return out, (cache, out_full.shape)


def conv_transpose2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Collect for each pixel what came of the window that it was spread over.

    Parameters
    ----------
    dout : ndarray of shape (N, F, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `conv_transpose2d_forward`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the images.
    dw : ndarray of shape (C, F/groups, HH, WW)
        Gradient of the filters.
    db : ndarray of shape (F,) or None
        Gradient of the biases; None where there were none.
    """
    (x, w, b, (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), groups), full = cache
    N, C, H, W = x.shape
    _, F_group, HH, WW = w.shape
    H_out, W_out = dout.shape[2:]
    C_group = C // groups

    dout_full = np.zeros(full, dtype=dout.dtype)
    dout_full[:, :, pad_h : pad_h + H_out, pad_w : pad_w + W_out] = dout
    dx = np.zeros(x.shape, dtype=x.dtype)
    dw = np.zeros(w.shape, dtype=w.dtype)
    for n in range(N):
        for c in range(C):
            g = c // C_group
            filters = slice(g * F_group, (g + 1) * F_group)
            for i in range(H):
                for j in range(W):
                    rows = covered(i, stride_h, HH, dilation_h)
                    columns = covered(j, stride_w, WW, dilation_w)
                    dwindow = dout_full[n, filters, rows, columns]
                    dx[n, c, i, j] = np.sum(dwindow * w[c])
                    dw[c] += x[n, c, i, j] * dwindow
    db = None if b is None else np.sum(dout, axis=(0, 2, 3))
    return dx, dw, db
