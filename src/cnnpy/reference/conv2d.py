"""conv2d: the definition.

out[n, f, i, j] = b[f] + Σ_c Σ_u Σ_v  w[f, c, u, v] · x_pad[n, c, i·stride + u·dilation,
                                                           j·stride + v·dilation]

The filter is not turned round: what deep learning calls convolution is a
cross-correlation. With groups, the channels and the filters are cut into as many
equal parts, and a filter sees only the channels of its own part.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
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
    """Slide each filter over each image and sum the products.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    w : ndarray of shape (F, C/groups, HH, WW)
        Filters.
    b : ndarray of shape (F,) or None
        Biases.
    stride, padding, dilation : int or (int, int)
        Along H and W.
    groups : int
        Parts that do not see each other.

    Returns
    -------
    out : ndarray of shape (N, F, H_out, W_out)
        ``H_out = 1 + (H + 2*padding - dilation*(HH - 1) - 1) // stride``, W_out alike.
    cache : tuple
        What `conv2d_backward` needs; it holds references to the inputs.
    """
    (stride_h, stride_w), (pad_h, pad_w) = as_pair(stride), as_pair(padding)
    dilation_h, dilation_w = as_pair(dilation)
    N, F, H_out, W_out = shapes.conv2d(
        x.shape,
        w.shape,
        None if b is None else b.shape,
        stride=(stride_h, stride_w),
        padding=(pad_h, pad_w),
        dilation=(dilation_h, dilation_w),
        groups=groups,
    )
    _, C_group, HH, WW = w.shape
    F_group = F // groups

    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    out = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
    for n in range(N):
        for f in range(F):
            g = f // F_group
            channels = slice(g * C_group, (g + 1) * C_group)
            for i in range(H_out):
                for j in range(W_out):
                    rows = covered(i, stride_h, HH, dilation_h)
                    columns = covered(j, stride_w, WW, dilation_w)
                    window = x_pad[n, channels, rows, columns]
                    out[n, f, i, j] = np.sum(window * w[f])
                    if b is not None:
                        out[n, f, i, j] += b[f]

    cache = (x, w, b, (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), groups)
    return out, cache


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient of each output back to what it was computed from.

    Forward multiplied ``window`` with ``w[f]``; so the window gets ``dout * w[f]``, the
    filter gets ``dout * window``, and what was used several times collects a sum.

    Parameters
    ----------
    dout : ndarray of shape (N, F, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `conv2d_forward`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the images.
    dw : ndarray of shape (F, C/groups, HH, WW)
        Gradient of the filters.
    db : ndarray of shape (F,) or None
        Gradient of the biases; None where there were none.
    """
    x, w, b, (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), groups = cache
    N, F, H_out, W_out = dout.shape
    _, C_group, HH, WW = w.shape
    H, W = x.shape[2:]
    F_group = F // groups

    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    dx_pad = np.zeros(x_pad.shape, dtype=x.dtype)
    dw = np.zeros(w.shape, dtype=w.dtype)
    db = None if b is None else np.zeros(b.shape, dtype=b.dtype)
    for n in range(N):
        for f in range(F):
            g = f // F_group
            channels = slice(g * C_group, (g + 1) * C_group)
            for i in range(H_out):
                for j in range(W_out):
                    rows = covered(i, stride_h, HH, dilation_h)
                    columns = covered(j, stride_w, WW, dilation_w)
                    window = x_pad[n, channels, rows, columns]
                    dx_pad[n, channels, rows, columns] += dout[n, f, i, j] * w[f]
                    dw[f] += dout[n, f, i, j] * window
                    if db is not None:
                        db[f] += dout[n, f, i, j]

    dx = dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W]
    return dx, dw, db
