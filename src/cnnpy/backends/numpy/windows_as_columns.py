"""Windows as the columns of a matrix (N, G, K, P), image by image: for few channels.

K = C_group·HH·WW entries of the window, P = H_out·W_out places; G groups. The images
stay in planes, and nothing is transposed on the way in or out:

correlate        out = w · columns           (F, K) (K, P)
filter_gradient  dw  = Σ_n dout · columnsᵀ   (F, P) (P, K)
adjoint          dcolumns = wᵀ · dout        (K, F) (F, P), each row of it added back
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnnpy.backends.numpy.geometry import Geometry, blocks, offsets
from cnnpy.backends.numpy.scratch import scratch, zeros
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, Shape

__all__ = ["adjoint", "correlate", "filter_gradient", "gradients"]

# Of the columns that are written and added back at once: second cache level.
_BACKWARD_BYTES = 1 << 20


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
    G = geometry.groups
    dout = np.ascontiguousarray(dout)
    dw = np.zeros((G, w_shape[0] // G, math.prod(w_shape[1:])), dtype=x.dtype)
    for block, columns in _columns_again(x, dout.shape, w_shape, geometry, kept):
        dw += _share_of_filters(_group_matrix(dout[block], G), columns)
    return dw.reshape(w_shape)


def adjoint(dout: FloatArray, w: FloatArray, x_shape: Shape, geometry: Geometry) -> FloatArray:
    """Compute the gradient of the images."""
    dout = np.ascontiguousarray(dout)
    dx_pad = _zeros_for(x_shape, dout.dtype, geometry)
    w_matrix = _transposed_filters(w, geometry)
    for block in _blocks_for(dout.shape, w.shape, geometry, dout.itemsize):
        _add_back(dx_pad[block], w_matrix, dout[block], w.shape, geometry)
    return _inside(dx_pad, x_shape, geometry)


def gradients(
    x: FloatArray, dout: FloatArray, w: FloatArray, geometry: Geometry, kept: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compute dx, dw and db in one walk over the blocks, each read while it is in the cache."""
    G = geometry.groups
    dout = np.ascontiguousarray(dout)
    dx_pad = _zeros_for(x.shape, dout.dtype, geometry)
    w_matrix = _transposed_filters(w, geometry)
    dw = np.zeros((G, len(w) // G, math.prod(w.shape[1:])), dtype=x.dtype)
    db = np.zeros(len(w), dtype=np.float64)
    for block, columns in _columns_again(x, dout.shape, w.shape, geometry, kept):
        part = dout[block]
        # pairwise over the pixels of a plane, then in float64: long sums need it
        db += part.sum(axis=(2, 3)).sum(axis=0, dtype=np.float64)
        dw += _share_of_filters(_group_matrix(part, G), columns)
        _add_back(dx_pad[block], w_matrix, part, w.shape, geometry)
    return _inside(dx_pad, x.shape, geometry), dw.reshape(w.shape), db.astype(dout.dtype)


def _share_of_filters(dout_matrix: FloatArray, columns: FloatArray) -> FloatArray:
    """Multiply image by image, and sum over the images of the block."""
    share: FloatArray = (dout_matrix @ columns.swapaxes(2, 3)).sum(axis=0)
    return share


def _add_back(
    dx_pad: FloatArray, w_matrix: FloatArray, dout: FloatArray, w_shape: Shape, geometry: Geometry
) -> None:
    """Add what a block's output gradients give to the windows of its images."""
    n, C = dx_pad.shape[:2]
    (HH, WW), (H_out, W_out) = w_shape[2:], dout.shape[2:]
    shape = (n, geometry.groups, w_matrix.shape[1], H_out * W_out)
    columns = scratch("shares", shape, dout.dtype)
    np.matmul(w_matrix, _group_matrix(dout, geometry.groups), out=columns)
    dcolumns = columns.reshape(n, C, HH, WW, H_out, W_out)
    for u, v, under in offsets(geometry, H_out, W_out):
        dx_pad[(..., *under)] += dcolumns[:, :, u, v]


def _transposed_filters(w: FloatArray, geometry: Geometry) -> FloatArray:
    """Lay the filters out as (G, K, F_group)."""
    G = geometry.groups
    return np.ascontiguousarray(w.reshape(G, len(w) // G, -1).swapaxes(1, 2))


def _zeros_for(x_shape: Shape, dtype: np.dtype[Any], geometry: Geometry) -> FloatArray:
    N, C, H, W = x_shape
    pad_h, pad_w = geometry.padding
    return zeros((N, C, H + 2 * pad_h, W + 2 * pad_w), dtype)


def _inside(dx_pad: FloatArray, x_shape: Shape, geometry: Geometry) -> FloatArray:
    pad_h, pad_w = geometry.padding
    return dx_pad[:, :, pad_h : pad_h + x_shape[2], pad_w : pad_w + x_shape[3]]


def _blocks_for(
    dout_shape: Shape, w_shape: Shape, geometry: Geometry, itemsize: int
) -> list[slice]:
    """Cut the images into blocks whose columns stay in the cache until they are added back."""
    N, _, H_out, W_out = dout_shape
    K = geometry.groups * math.prod(w_shape[1:])
    return blocks(N, H_out * W_out * K * itemsize, _BACKWARD_BYTES)


def _columns_again(
    x: FloatArray,
    dout_shape: Shape,
    w_shape: Shape,
    geometry: Geometry,
    kept: FloatArray | None,
) -> Iterator[tuple[slice, FloatArray]]:
    """Give the columns block by block: of what forward kept, or made anew."""
    if kept is not None:
        for block in _blocks_for(dout_shape, w_shape, geometry, x.itemsize):
            yield block, kept[block]
    else:
        yield from _blocks_of_columns(_windows(_pad(x, geometry), dout_shape[2:], geometry))


def _pad(x: FloatArray, geometry: Geometry) -> FloatArray:
    """Return the padded images in planes, (N, C, H, W)."""
    pad_h, pad_w = geometry.padding
    if not (pad_h or pad_w):
        return x
    N, C, H, W = x.shape
    x_pad = zeros((N, C, H + 2 * pad_h, W + 2 * pad_w), x.dtype)
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

    The columns of one block are overwritten by the next; those of a single one are fresh.
    """
    N, G, C_group, HH, WW, H_out, W_out = windows.shape
    K = C_group * HH * WW
    cuts = blocks(N, H_out * W_out * G * K * windows.itemsize)
    most = cuts[0].stop if cuts else 0
    shape, dtype = (most, *windows.shape[1:]), windows.dtype
    workspace = scratch("windows", shape, dtype) if len(cuts) > 1 else np.empty(shape, dtype)
    for block in cuts:
        columns = workspace[: block.stop - block.start]
        np.copyto(columns, windows[block])
        yield block, columns.reshape(-1, G, K, H_out * W_out)


def _group_matrix(dout: FloatArray, G: int) -> FloatArray:
    """View (n, F, H_out, W_out) as (n, G, F_group, P)."""
    n, F, H_out, W_out = dout.shape
    return dout.reshape(n, G, F // G, H_out * W_out)
