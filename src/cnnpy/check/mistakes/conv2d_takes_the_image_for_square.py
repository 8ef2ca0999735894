"""The image's height is used for its width too.

Cause: One image size is read from x.shape and used along both axes, or the line that counts the
rows was copied for the columns: W_out = 1 + (H + 2*padding - WW) // stride.

Mend: Read both: N, C, H, W = x.shape, and let W decide along W.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair, out_size
from cnnpy.reference.windows import covered

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
    """Slide the filters over each image as if it were square."""
    (stride_h, stride_w), (pad_h, pad_w) = as_pair(stride), as_pair(padding)
    dilation_h, dilation_w = as_pair(dilation)
    N, _, H, _ = x.shape
    F, C_group, HH, WW = w.shape
    H_out = out_size(H, HH, stride_h, pad_h, dilation_h)
    W_out = out_size(H, WW, stride_w, pad_w, dilation_w)
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    out = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
    for n, f, i, j in np.ndindex(out.shape):
        g = f // (F // groups)
        channels = slice(g * C_group, (g + 1) * C_group)
        rows = covered(i, stride_h, HH, dilation_h)
        columns = covered(j, stride_w, WW, dilation_w)
        out[n, f, i, j] = np.sum(x_pad[n, channels, rows, columns] * w[f])
        if b is not None:
            out[n, f, i, j] += b[f]
    return out, (x_pad, w, b, (stride_h, stride_w), (pad_h, pad_w), dilation, groups, H)


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back to a square image."""
    x_pad, w, b, (stride_h, stride_w), (pad_h, pad_w), dilation, groups, H = cache
    dilation_h, dilation_w = as_pair(dilation)
    F, C_group, HH, WW = w.shape
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    for n, f, i, j in np.ndindex(dout.shape):
        g = f // (F // groups)
        channels = slice(g * C_group, (g + 1) * C_group)
        rows = covered(i, stride_h, HH, dilation_h)
        columns = covered(j, stride_w, WW, dilation_w)
        dx_pad[n, channels, rows, columns] += dout[n, f, i, j] * w[f]
        dw[f] += dout[n, f, i, j] * x_pad[n, channels, rows, columns]
    db = None if b is None else dout.sum(axis=(0, 2, 3))
    return dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + H], dw, db
