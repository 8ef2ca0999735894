"""Windows as the columns of a matrix (G, K, P), in planes: for few channels.

K = C_group·HH·WW entries of the window, P = n·H_out·W_out places of a block of n
images; G groups.

correlate        out = w · columns           (F, K) (K, P)
filter_gradient  dw  = dout · columnsᵀ       (F, P) (P, K)
adjoint          dcolumns = wᵀ · dout        (K, F) (F, P), each row of it added back
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnnpy.backends.numpy.geometry import Geometry, blocks, offsets
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, Shape

__all__ = ["adjoint", "correlate", "filter_gradient"]


def correlate(
    x: FloatArray, w: FloatArray, b: FloatArray | None, places: Pair, geometry: Geometry
) -> tuple[FloatArray, FloatArray | None]:
    """Compute (N, F, H_out, W_out), and the matrix if there was one block only."""
    N, G, F = len(x), geometry.groups, len(w)
    H_out, W_out = places
    w_matrix = w.reshape(G, F // G, -1)
    out = np.empty((N, F, H_out, W_out), dtype=x.dtype)
    kept = None
    for block, columns in _blocks_of_columns(_windows(_pad(x, geometry), places, geometry)):
        product = (w_matrix @ columns).reshape(F, -1, H_out, W_out)
        if b is not None:
            product += b[:, None, None, None]
        out[block] = product.transpose(1, 0, 2, 3)
        kept = columns if block == slice(0, N) else None
    return out, kept


def filter_gradient(
    x: FloatArray, dout: FloatArray, w_shape: Shape, geometry: Geometry, kept: FloatArray | None
) -> FloatArray:
    """Compute the gradient of the filters."""
    G = geometry.groups
    if kept is not None:
        dw = _group_matrix(dout, G) @ kept.transpose(0, 2, 1)
        return dw.reshape(w_shape)
    dw = np.zeros((G, w_shape[0] // G, w_shape[1] * w_shape[2] * w_shape[3]), dtype=x.dtype)
    windows = _windows(_pad(x, geometry), dout.shape[2:], geometry)
    for block, columns in _blocks_of_columns(windows):
        dw += _group_matrix(dout[block], G) @ columns.transpose(0, 2, 1)
    return dw.reshape(w_shape)


def adjoint(dout: FloatArray, w: FloatArray, x_shape: Shape, geometry: Geometry) -> FloatArray:
    """Compute the gradient of the images."""
    N, C, H, W = x_shape
    G, (pad_h, pad_w) = geometry.groups, geometry.padding
    F, C_group, HH, WW = w.shape
    H_out, W_out = dout.shape[2:]
    w_matrix = np.ascontiguousarray(w.reshape(G, F // G, -1).transpose(0, 2, 1))
    dx = np.empty(x_shape, dtype=dout.dtype)
    for block in blocks(N, H_out * W_out * C * HH * WW * dout.itemsize):
        n = block.stop - block.start
        columns = w_matrix @ _group_matrix(dout[block], G)
        dcolumns = columns.reshape(G, C_group, HH, WW, n, H_out, W_out)
        dx_pad = np.zeros((G, C_group, n, H + 2 * pad_h, W + 2 * pad_w), dtype=dout.dtype)
        for u, v, under in offsets(geometry, H_out, W_out):
            dx_pad[(..., *under)] += dcolumns[:, :, u, v]
        inside = dx_pad[..., pad_h : pad_h + H, pad_w : pad_w + W]
        dx[block] = inside.reshape(C, n, H, W).transpose(1, 0, 2, 3)
    return dx


def _pad(x: FloatArray, geometry: Geometry) -> FloatArray:
    """Return the padded images in planes, (N, C, H, W)."""
    pad_h, pad_w = geometry.padding
    if not (pad_h or pad_w):
        return x
    N, C, H, W = x.shape
    x_pad = np.zeros((N, C, H + 2 * pad_h, W + 2 * pad_w), dtype=x.dtype)
    x_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W] = x
    return x_pad


def _windows(x_pad: FloatArray, places: Shape, geometry: Geometry) -> FloatArray:
    """View the padded images as their windows, (G, C_group, HH, WW, N, H_out, W_out)."""
    N, C, _, _ = x_pad.shape
    s_n, s_c, s_h, s_w = x_pad.strides
    (HH, WW), G = geometry.window, geometry.groups
    (stride_h, stride_w), (dilation_h, dilation_w) = geometry.stride, geometry.dilation
    entry = (s_c * (C // G), s_c, s_h * dilation_h, s_w * dilation_w)
    shape = (G, C // G, HH, WW, N, *places)
    return as_strided(x_pad, shape, (*entry, s_n, s_h * stride_h, s_w * stride_w), writeable=False)


def _blocks_of_columns(windows: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Lay the windows out as columns (G, K, P), a block of images at a time.

    The columns of one block may be overwritten by the next.
    """
    G, C_group, HH, WW, N, H_out, W_out = windows.shape
    K = C_group * HH * WW
    workspace = None
    for block in blocks(N, H_out * W_out * G * K * windows.itemsize):
        part = windows[:, :, :, :, block]
        if workspace is None or workspace.shape != part.shape:
            workspace = np.empty(part.shape, dtype=windows.dtype)
        np.copyto(workspace, part)
        yield block, workspace.reshape(G, K, -1)


def _group_matrix(dout: FloatArray, G: int) -> FloatArray:
    """Lay (n, F, H_out, W_out) out as (G, F_group, P)."""
    F = dout.shape[1]
    return dout.transpose(1, 0, 2, 3).reshape(G, F // G, -1)
