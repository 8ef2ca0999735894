"""Windows as the rows of a matrix (G, P, K), channels last: for many channels.

P = N·H_out·W_out places, K = HH·WW·C_group, in this order in memory; G groups.

correlate        out = rows · w          (P, K) (K, F)
filter_gradient  dw  = doutᵀ · rows      (F, P) (P, K)
adjoint          for each entry (u, v) of the window: dx under it += dout · w[u, v]

The adjoint multiplies entry by entry of the window, so that what is added is a run
of W_out·C numbers at stride 1, on either side.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnnpy.backends.numpy.geometry import Geometry, blocks, offsets
from cnnpy.backends.numpy.scratch import scratch, zeros
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, Shape

__all__ = ["adjoint", "correlate", "filter_gradient"]

# The share of one entry of the window, written and read again at once: second cache level.
_SHARE_BYTES = 1 << 20


def correlate(
    x: FloatArray, w: FloatArray, b: FloatArray | None, places: Pair, geometry: Geometry
) -> tuple[FloatArray, FloatArray | None]:
    """Compute (N, F, H_out, W_out), and the matrix if there was one block only."""
    N, G, F = len(x), geometry.groups, len(w)
    H_out, W_out = places
    _, C_group, HH, WW = w.shape
    w_matrix = np.ascontiguousarray(
        w.reshape(G, F // G, C_group, HH, WW).transpose(0, 3, 4, 2, 1)
    ).reshape(G, HH * WW * C_group, F // G)
    windows = _windows(_pad(x, geometry), places, geometry)
    out = np.empty((N, H_out, W_out, G, F // G), dtype=x.dtype)
    kept = None
    for block, rows in _blocks_of_rows(windows):
        target = out[block].reshape(-1, G, F // G)
        np.matmul(rows, w_matrix, out=target.transpose(1, 0, 2))
        if b is not None:
            target += b.reshape(G, F // G)
        kept = rows if block == slice(0, N) else None
    return out.reshape(N, H_out, W_out, F).transpose(0, 3, 1, 2), kept


def filter_gradient(
    x: FloatArray, dout: FloatArray, w_shape: Shape, geometry: Geometry, kept: FloatArray | None
) -> FloatArray:
    """Compute the gradient of the filters."""
    F, C_group, HH, WW = w_shape
    G = geometry.groups
    dout_last = np.ascontiguousarray(dout.transpose(0, 2, 3, 1))
    dw = np.zeros((G, F // G, HH * WW * C_group), dtype=x.dtype)
    if kept is not None:
        dw += _group_matrix(dout_last, G).transpose(0, 2, 1) @ kept
    else:
        windows = _windows(_pad(x, geometry), dout.shape[2:], geometry)
        for block, rows in _blocks_of_rows(windows):
            dw += _group_matrix(dout_last[block], G).transpose(0, 2, 1) @ rows
    return np.ascontiguousarray(dw.reshape(F, HH, WW, C_group).transpose(0, 3, 1, 2))


def adjoint(dout: FloatArray, w: FloatArray, x_shape: Shape, geometry: Geometry) -> FloatArray:
    """Compute the gradient of the images."""
    N, C, H, W = x_shape
    G, (pad_h, pad_w) = geometry.groups, geometry.padding
    F, C_group, HH, WW = w.shape
    H_out, W_out = dout.shape[2:]
    w_entries = np.ascontiguousarray(w.reshape(G, F // G, C_group, HH, WW).transpose(3, 4, 0, 1, 2))
    dout_last = np.ascontiguousarray(dout.transpose(0, 2, 3, 1))
    dx_pad = zeros((N, H + 2 * pad_h, W + 2 * pad_w, C), dout.dtype)
    cuts = blocks(N, H_out * W_out * C * dout.itemsize, _SHARE_BYTES)
    most = cuts[0].stop if cuts else 0
    workspace = scratch("shares", (most * H_out * W_out, G, C_group), dout.dtype)
    for block in cuts:
        rows = _group_matrix(dout_last[block], G)
        if geometry.is_pointwise():
            target = dx_pad[block].reshape(-1, G, C_group)
            np.matmul(rows, w_entries[0, 0], out=target.transpose(1, 0, 2))
            continue
        share = workspace[: rows.shape[1]]
        for u, v, under in offsets(geometry, H_out, W_out):
            np.matmul(rows, w_entries[u, v], out=share.transpose(1, 0, 2))
            dx_pad[(block, *under)] += share.reshape(-1, H_out, W_out, C)
    return dx_pad[:, pad_h : pad_h + H, pad_w : pad_w + W].transpose(0, 3, 1, 2)


def _pad(x: FloatArray, geometry: Geometry) -> FloatArray:
    """Return the padded images in channels-last memory, (N, H, W, C)."""
    pad_h, pad_w = geometry.padding
    if not (pad_h or pad_w):
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    N, C, H, W = x.shape
    x_pad = zeros((N, H + 2 * pad_h, W + 2 * pad_w, C), x.dtype)
    x_pad[:, pad_h : pad_h + H, pad_w : pad_w + W] = x.transpose(0, 2, 3, 1)
    return x_pad


def _windows(x_pad: FloatArray, places: Shape, geometry: Geometry) -> FloatArray:
    """View the padded images as their windows, (N, H_out, W_out, HH, WW, G, C_group)."""
    N, _, _, C = x_pad.shape
    s_n, s_h, s_w, s_c = x_pad.strides
    (HH, WW), G = geometry.window, geometry.groups
    (stride_h, stride_w), (dilation_h, dilation_w) = geometry.stride, geometry.dilation
    steps = (s_h * stride_h, s_w * stride_w, s_h * dilation_h, s_w * dilation_w)
    shape = (N, *places, HH, WW, G, C // G)
    return as_strided(x_pad, shape, (s_n, *steps, s_c * (C // G), s_c), writeable=False)


def _blocks_of_rows(windows: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Lay the windows out as rows (G, P, K), a block of images at a time.

    The rows of one block are overwritten by the next; those of a single one are fresh, and
    pixels by themselves, the rows of a 1x1 convolution, are there already.
    """
    N, H_out, W_out, HH, WW, G, C_group = windows.shape
    K = HH * WW * C_group
    if HH == WW == G == 1 and windows.flags.c_contiguous:
        yield slice(0, N), windows.reshape(1, -1, K)
        return
    cuts = blocks(N, H_out * W_out * G * K * windows.itemsize)
    most = cuts[0].stop if cuts else 0
    shape, dtype = (most, H_out, W_out, G, HH, WW, C_group), windows.dtype
    workspace = scratch("windows", shape, dtype) if len(cuts) > 1 else np.empty(shape, dtype)
    for block in cuts:
        rows = workspace[: block.stop - block.start]
        np.copyto(rows, windows[block].transpose(0, 1, 2, 5, 3, 4, 6))
        yield block, rows.reshape(-1, G, K).transpose(1, 0, 2)


def _group_matrix(dout_last: FloatArray, G: int) -> FloatArray:
    """View (n, H_out, W_out, F) as (G, P, F_group)."""
    F = dout_last.shape[-1]
    return dout_last.reshape(-1, G, F // G).transpose(1, 0, 2)
