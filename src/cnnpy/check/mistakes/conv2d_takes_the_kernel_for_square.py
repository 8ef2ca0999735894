"""The kernel's height is used for its width too.

Cause: One kernel size is read from w.shape and used along both axes.

Mend: Read both: F, C, HH, WW = w.shape, and let WW decide along W.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair, out_size
from cnnpy.reference.windows import covered

__all__ = ["OTHER_WAYS", "conv2d_backward", "conv2d_forward"]


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
    """Slide each filter as if it were square."""
    return _slid(x, w, b, w.shape[2], stride, padding, dilation, groups)


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back as if each filter were square."""
    x_pad, w, b, (stride_h, stride_w), (pad_h, pad_w), dilation, groups, (H, W) = cache
    dilation_h, dilation_w = as_pair(dilation)
    F, C_group, HH, _ = w.shape
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    for n, f, i, j in np.ndindex(dout.shape):
        g = f // (F // groups)
        channels = slice(g * C_group, (g + 1) * C_group)
        rows = covered(i, stride_h, HH, dilation_h)
        columns = covered(j, stride_w, HH, dilation_w)
        dx_pad[n, channels, rows, columns] += dout[n, f, i, j] * w[f]
        dw[f] += dout[n, f, i, j] * x_pad[n, channels, rows, columns]
    db = None if b is None else dout.sum(axis=(0, 2, 3))
    return dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W], dw, db


def _in_its_slices(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[FloatArray, Any]:
    """Count the columns by the width, and cut out windows as wide as they are high."""
    return _slid(x, w, b, w.shape[3], stride, padding, dilation, groups)


OTHER_WAYS = {"in its slices": (_in_its_slices, conv2d_backward)}


def _slid(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    counted_by: int,
    stride: int | Pair,
    padding: int | Pair,
    dilation: int | Pair,
    groups: int,
) -> tuple[FloatArray, Any]:
    (stride_h, stride_w), (pad_h, pad_w) = as_pair(stride), as_pair(padding)
    dilation_h, dilation_w = as_pair(dilation)
    N, _, H, W = x.shape
    F, C_group, HH, _ = w.shape
    H_out = out_size(H, HH, stride_h, pad_h, dilation_h)
    W_out = out_size(W, counted_by, stride_w, pad_w, dilation_w)
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    out = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
    for n, f, i, j in np.ndindex(out.shape):
        g = f // (F // groups)
        channels = slice(g * C_group, (g + 1) * C_group)
        rows = covered(i, stride_h, HH, dilation_h)
        columns = covered(j, stride_w, HH, dilation_w)
        out[n, f, i, j] = np.sum(x_pad[n, channels, rows, columns] * w[f])
        if b is not None:
            out[n, f, i, j] += b[f]
    return out, (x_pad, w, b, (stride_h, stride_w), (pad_h, pad_w), dilation, groups, (H, W))
