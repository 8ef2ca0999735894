"""The images are padded by 1, and the size of the output is counted with the padding.

Cause: The padding of the first test is written into np.pad as a number, and into the slice that
takes it away again.

Mend: Pad by the option: np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w))).
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
    """Slide the filters over images padded by one, to as many places as the padding asks for."""
    steps, pads, (dilation_h, dilation_w) = as_pair(stride), as_pair(padding), as_pair(dilation)
    N, _, H, W = x.shape
    F, C_group, HH, WW = w.shape
    H_out = out_size(H, HH, steps[0], pads[0], dilation_h)
    W_out = out_size(W, WW, steps[1], pads[1], dilation_w)
    x_pad = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
    for n, f, i, j in np.ndindex(out.shape):
        g = f // (F // groups)
        channels = slice(g * C_group, (g + 1) * C_group)
        rows = covered(i, steps[0], HH, dilation_h)
        columns = covered(j, steps[1], WW, dilation_w)
        out[n, f, i, j] = np.sum(x_pad[n, channels, rows, columns] * w[f])
        if b is not None:
            out[n, f, i, j] += b[f]
    return out, (x_pad, w, b, steps, (dilation_h, dilation_w), groups)


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back to images padded by one."""
    x_pad, w, b, (stride_h, stride_w), (dilation_h, dilation_w), groups = cache
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
    return dx_pad[:, :, 1:-1, 1:-1], dw, db
