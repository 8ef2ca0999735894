"""The course's way to convolve: all windows as the columns of one matrix, one product."""

from __future__ import annotations

import numpy as np


def im2col_forward(x, w, b, *, stride, padding):
    """Lay all windows out as the columns of one matrix, and multiply."""
    N, C = x.shape[:2]
    F, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x_pad, (HH, WW), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    H_out, W_out = windows.shape[2:4]
    columns = windows.transpose(1, 4, 5, 0, 2, 3).reshape(C * HH * WW, -1)
    out = w.reshape(F, -1) @ columns + b[:, None]
    out = out.reshape(F, N, H_out, W_out).transpose(1, 0, 2, 3)
    return out, (x.shape, w, columns, stride, padding)


def im2col_backward(dout, cache, *, with_dx=True):
    """Multiply back, and add each column to the window it was copied from."""
    (N, C, H, W), w, columns, stride, padding = cache
    F, _, HH, WW = w.shape
    H_out, W_out = dout.shape[2:]
    rows = dout.transpose(1, 0, 2, 3).reshape(F, -1)
    dw, db = (rows @ columns.T).reshape(w.shape), rows.sum(axis=1)
    if not with_dx:
        return None, dw, db
    dcolumns = (w.reshape(F, -1).T @ rows).reshape(C, HH, WW, N, H_out, W_out)
    dx_pad = np.zeros((C, N, H + 2 * padding, W + 2 * padding), dtype=dout.dtype)
    for u in range(HH):
        for v in range(WW):
            under = np.s_[:, :, u : u + stride * H_out : stride, v : v + stride * W_out : stride]
            dx_pad[under] += dcolumns[:, u, v]
    dx = dx_pad[:, :, padding : padding + H, padding : padding + W].transpose(1, 0, 2, 3)
    return dx, dw, db
