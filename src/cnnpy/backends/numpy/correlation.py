"""The three passes of a convolution as matrix products: the room behind conv2d.

The windows of the padded images are laid out as the rows of a matrix (im2col), a
block of images at a time, so that the matrix stays in the cache and is written
over and over instead of taking fresh pages from the system:

correlate        out  = windows · w          (P, K) (K, F)
filter_gradient  dw   = doutᵀ · windows      (F, P) (P, K)
adjoint          dx  += dout · wᵀ, each row added back to the window it stands for

with P = N·H_out·W_out places and K = HH·WW·C. Memory is channels-last: one row of
a window is WW·C numbers in a row at dilation 1. The adjoint to few channels is
summed up in planes (C, N, H, W) instead, where a run is W_out long and not C.

Groups are a leading axis G of every matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, Shape

__all__ = ["Geometry", "adjoint", "correlate", "filter_gradient"]

_BLOCK_BYTES = 4 << 20
_FEW_CHANNELS = 16


class Geometry(NamedTuple):
    """How the windows stand: pairs along H and W."""

    window: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int


def correlate(
    x: FloatArray, w: FloatArray, b: FloatArray | None, places: Pair, geometry: Geometry
) -> FloatArray:
    """Compute (N, F, H_out, W_out) of the images x and the filters w."""
    N, G, F = len(x), geometry.groups, len(w)
    H_out, W_out = places
    windows = _windows(_pad_channels_last(x, geometry), places, geometry)
    w_matrix = _filter_matrix(w, G)
    out = np.empty((N, H_out, W_out, G, F // G), dtype=x.dtype)
    for block, rows in _blocks_of_rows(windows):
        target = out[block].reshape(-1, G, F // G)
        np.matmul(rows, w_matrix, out=target.transpose(1, 0, 2))
        if b is not None:
            target += b.reshape(G, F // G)
    return out.reshape(N, H_out, W_out, F).transpose(0, 3, 1, 2)


def filter_gradient(
    x: FloatArray, dout: FloatArray, w_shape: Shape, geometry: Geometry
) -> FloatArray:
    """Compute the gradient of the filters from the images and the output's gradient."""
    F, C_group, HH, WW = w_shape
    G = geometry.groups
    windows = _windows(_pad_channels_last(x, geometry), dout.shape[2:], geometry)
    dout_last = _channels_last(dout)
    dw = np.zeros((G, F // G, HH * WW * C_group), dtype=x.dtype)
    for block, rows in _blocks_of_rows(windows):
        dw += _group_matrix(dout_last[block], G).transpose(0, 2, 1) @ rows
    return np.ascontiguousarray(dw.reshape(F, HH, WW, C_group).transpose(0, 3, 1, 2))


def adjoint(dout: FloatArray, w: FloatArray, x_shape: Shape, geometry: Geometry) -> FloatArray:
    """Compute the gradient of the images from the output's gradient and the filters."""
    add_up = _adjoint_planar if w.shape[1] < _FEW_CHANNELS else _adjoint_channels_last
    return add_up(dout, w, x_shape, geometry)


def _adjoint_channels_last(
    dout: FloatArray, w: FloatArray, x_shape: Shape, geometry: Geometry
) -> FloatArray:
    N, C, H, W = x_shape
    (HH, WW), G = geometry.window, geometry.groups
    H_out, W_out = dout.shape[2:]
    (pad_h, pad_w), C_group = geometry.padding, C // G
    w_matrix = _filter_matrix(w, G).transpose(0, 2, 1)
    dout_last = _channels_last(dout)
    dx_pad = np.zeros((N, H + 2 * pad_h, W + 2 * pad_w, G, C_group), dtype=dout.dtype)
    for block in _blocks(N, H_out * W_out * C * HH * WW * dout.itemsize):
        rows = _group_matrix(dout_last[block], G) @ w_matrix
        drows = rows.reshape(G, -1, H_out, W_out, HH, WW, C_group)
        for u, v, under in _offsets(geometry, H_out, W_out):
            dx_pad[(block, *under)] += drows[:, :, :, :, u, v].transpose(1, 2, 3, 0, 4)
    dx = dx_pad.reshape(N, H + 2 * pad_h, W + 2 * pad_w, C)
    return dx[:, pad_h : pad_h + H, pad_w : pad_w + W].transpose(0, 3, 1, 2)


def _adjoint_planar(
    dout: FloatArray, w: FloatArray, x_shape: Shape, geometry: Geometry
) -> FloatArray:
    N, C, H, W = x_shape
    (HH, WW), G = geometry.window, geometry.groups
    H_out, W_out = dout.shape[2:]
    (pad_h, pad_w), C_group = geometry.padding, C // G
    w_matrix = _filter_matrix(w, G)
    dout_last = _channels_last(dout)
    dx = np.empty(x_shape, dtype=dout.dtype)
    for block in _blocks(N, H_out * W_out * C * HH * WW * dout.itemsize):
        columns = w_matrix @ _group_matrix(dout_last[block], G).transpose(0, 2, 1)
        dcolumns = columns.reshape(G, HH, WW, C_group, -1, H_out, W_out)
        n = dcolumns.shape[4]
        dx_pad = np.zeros((G, C_group, n, H + 2 * pad_h, W + 2 * pad_w), dtype=dout.dtype)
        for u, v, under in _offsets(geometry, H_out, W_out):
            dx_pad[(..., *under)] += dcolumns[:, u, v]
        inside = dx_pad[..., pad_h : pad_h + H, pad_w : pad_w + W]
        dx[block] = inside.reshape(C, n, H, W).transpose(1, 0, 2, 3)
    return dx


def _offsets(
    geometry: Geometry, H_out: int, W_out: int
) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """Walk over the entries of the window, with the pixels that lie under each."""
    (HH, WW), (stride_h, stride_w) = geometry.window, geometry.stride
    dilation_h, dilation_w = geometry.dilation
    for u in range(HH):
        top = u * dilation_h
        for v in range(WW):
            left = v * dilation_w
            yield (
                u,
                v,
                (
                    slice(top, top + stride_h * (H_out - 1) + 1, stride_h),
                    slice(left, left + stride_w * (W_out - 1) + 1, stride_w),
                ),
            )


def _channels_last(x: FloatArray) -> FloatArray:
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def _pad_channels_last(x: FloatArray, geometry: Geometry) -> FloatArray:
    """Return the padded images in channels-last memory, (N, H, W, C)."""
    pad_h, pad_w = geometry.padding
    if not (pad_h or pad_w):
        return _channels_last(x)
    N, C, H, W = x.shape
    x_pad = np.zeros((N, H + 2 * pad_h, W + 2 * pad_w, C), dtype=x.dtype)
    x_pad[:, pad_h : pad_h + H, pad_w : pad_w + W] = x.transpose(0, 2, 3, 1)
    return x_pad


def _windows(x_pad: FloatArray, places: Shape, geometry: Geometry) -> FloatArray:
    """View the padded images as their windows, (N, H_out, W_out, HH, WW, G, C_group)."""
    N, _, _, C = x_pad.shape
    s_n, s_h, s_w, s_c = x_pad.strides
    (HH, WW), G = geometry.window, geometry.groups
    (stride_h, stride_w), (dilation_h, dilation_w) = geometry.stride, geometry.dilation
    return as_strided(
        x_pad,
        (N, *places, HH, WW, G, C // G),
        (
            s_n,
            s_h * stride_h,
            s_w * stride_w,
            s_h * dilation_h,
            s_w * dilation_w,
            s_c * (C // G),
            s_c,
        ),
        writeable=False,
    )


def _blocks_of_rows(windows: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Lay the windows out as rows (G, P, K), a block of images at a time.

    The rows of one block are overwritten by the next.
    """
    N, H_out, W_out, HH, WW, G, C_group = windows.shape
    K = HH * WW * C_group
    blocks = list(_blocks(N, H_out * W_out * G * K * windows.itemsize))
    most = max((block.stop - block.start for block in blocks), default=0)
    workspace = np.empty((G, most, H_out, W_out, HH, WW, C_group), dtype=windows.dtype)
    for block in blocks:
        rows = workspace[:, : block.stop - block.start]
        np.copyto(rows, windows[block].transpose(5, 0, 1, 2, 3, 4, 6))
        yield block, rows.reshape(G, -1, K)


def _blocks(N: int, image_bytes: int) -> Iterator[slice]:
    """Cut N images into blocks that take about ``_BLOCK_BYTES`` each."""
    step = max(1, _BLOCK_BYTES // max(image_bytes, 1))
    for start in range(0, N, step):
        yield slice(start, min(start + step, N))


def _filter_matrix(w: FloatArray, G: int) -> FloatArray:
    """Lay the filters out as columns (G, K, F_group), K in the order of the windows."""
    F, C_group, HH, WW = w.shape
    matrix = w.reshape(G, F // G, C_group, HH, WW).transpose(0, 3, 4, 2, 1)
    return np.ascontiguousarray(matrix).reshape(G, HH * WW * C_group, F // G)


def _group_matrix(dout_last: FloatArray, G: int) -> FloatArray:
    """View (n, H_out, W_out, F) as (G, P, F_group)."""
    F = dout_last.shape[-1]
    return dout_last.reshape(-1, G, F // G).transpose(1, 0, 2)
