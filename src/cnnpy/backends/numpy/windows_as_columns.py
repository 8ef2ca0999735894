"""Windows as the columns of a matrix (N, G, K, P), image by image: for few channels.

K = C_group·HH·WW entries of the window, P = H_out·W_out places; G groups. The images
stay in planes, and nothing is transposed on the way in or out:

correlate        out = w · columns           (F, K) (K, P)
filter_gradient  dw  = Σ_n dout · columnsᵀ   (F, P) (P, K)
adjoint          dcolumns = wᵀ · dout        (K, F) (F, P), each row of it added back
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnnpy.backends.numpy.geometry import ADJOINT_BLOCK_BYTES, Geometry, blocks, offsets
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, Shape

__all__ = ["adjoint", "correlate", "filter_gradient"]


def correlate(
    x: FloatArray, w: FloatArray, b: FloatArray | None, places: Pair, geometry: Geometry
) -> tuple[FloatArray, FloatArray | None]:
    """Compute (N, F, H_out, W_out), and the matrix if there was one block only."""
    N, G, F = len(x), geometry.groups, len(w)
    w_matrix = w.reshape(G, F // G, -1)
    out = np.empty((N, F, *places), dtype=x.dtype)
    kept = None
    for block, columns in _blocks_of_columns(_windows(_pad(x, geometry), places, geometry)):
        target = out[block]
        np.matmul(w_matrix, columns, out=_group_matrix(target, G))
        if b is not None:
            target += b[:, None, None]
        kept = columns if block == slice(0, N) else None
    return out, kept


def filter_gradient(
    x: FloatArray, dout: FloatArray, w_shape: Shape, geometry: Geometry, kept: FloatArray | None
) -> FloatArray:
    """Compute the gradient of the filters."""
    F, C_group, HH, WW = w_shape
    G = geometry.groups
    dout = np.ascontiguousarray(dout)
    dw = np.zeros((G, F // G, C_group * HH * WW), dtype=x.dtype)
    if kept is not None:
        pairs: Iterator[tuple[slice, FloatArray]] = iter([(slice(None), kept)])
    else:
        windows = _windows(_pad(x, geometry), dout.shape[2:], geometry)
        pairs = _blocks_of_columns(windows)
    for block, columns in pairs:
        dw += (_group_matrix(dout[block], G) @ columns.swapaxes(2, 3)).sum(axis=0)
    return dw.reshape(w_shape)


def adjoint(dout: FloatArray, w: FloatArray, x_shape: Shape, geometry: Geometry) -> FloatArray:
    """Compute the gradient of the images."""
    N, C, H, W = x_shape
    G, (pad_h, pad_w) = geometry.groups, geometry.padding
    F, C_group, HH, WW = w.shape
    H_out, W_out = dout.shape[2:]
    dout = np.ascontiguousarray(dout)
    w_matrix = np.ascontiguousarray(w.reshape(G, F // G, -1).swapaxes(1, 2))
    dx_pad = np.zeros((N, C, H + 2 * pad_h, W + 2 * pad_w), dtype=dout.dtype)
    cuts = blocks(N, H_out * W_out * C * HH * WW * dout.itemsize, ADJOINT_BLOCK_BYTES)
    most = cuts[0].stop if cuts else 0
    workspace = np.empty((most, G, C_group * HH * WW, H_out * W_out), dtype=dout.dtype)
    for block in cuts:
        columns = workspace[: block.stop - block.start]
        np.matmul(w_matrix, _group_matrix(dout[block], G), out=columns)
        dcolumns = columns.reshape(-1, C, HH, WW, H_out, W_out)
        for u, v, under in offsets(geometry, H_out, W_out):
            dx_pad[(block, slice(None), *under)] += dcolumns[:, :, u, v]
    return dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W]


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
    """View the padded images as their windows, (N, G, C_group, HH, WW, H_out, W_out)."""
    N, C, _, _ = x_pad.shape
    s_n, s_c, s_h, s_w = x_pad.strides
    (HH, WW), G = geometry.window, geometry.groups
    (stride_h, stride_w), (dilation_h, dilation_w) = geometry.stride, geometry.dilation
    entry = (s_c * (C // G), s_c, s_h * dilation_h, s_w * dilation_w)
    shape = (N, G, C // G, HH, WW, *places)
    return as_strided(x_pad, shape, (s_n, *entry, s_h * stride_h, s_w * stride_w), writeable=False)


def _blocks_of_columns(windows: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Lay the windows out as columns (n, G, K, P), a block of n images at a time.

    The columns of one block are overwritten by the next.
    """
    N, G, C_group, HH, WW, H_out, W_out = windows.shape
    K = C_group * HH * WW
    cuts = blocks(N, H_out * W_out * G * K * windows.itemsize)
    most = cuts[0].stop if cuts else 0
    workspace = np.empty((most, *windows.shape[1:]), dtype=windows.dtype)
    for block in cuts:
        columns = workspace[: block.stop - block.start]
        np.copyto(columns, windows[block])
        yield block, columns.reshape(-1, G, K, H_out * W_out)


def _group_matrix(dout: FloatArray, G: int) -> FloatArray:
    """View (n, F, H_out, W_out) as (n, G, F_group, P)."""
    n, F, H_out, W_out = dout.shape
    return dout.reshape(n, G, F // G, H_out * W_out)
