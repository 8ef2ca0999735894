"""The entries of a pooling window, one at a time over all windows at once.

A tap (u, v) is one entry of the window. Over all places of the window it reads a
regular grid of pixels, which two slices name; places where the tap lies in the
padding are left out, so that no padded copy is made.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cnnpy.contract.dtypes import FloatArray, IntArray
from cnnpy.contract.shapes import Pair, out_size

__all__ = ["counts", "empty_like_places", "places", "taps"]

Grid = tuple[slice, slice]


def places(size: Pair, window: Pair, stride: Pair, padding: Pair) -> Pair:
    """Count the places of the window along H and W."""
    H_out, W_out = (
        out_size(n, k, s, p, 1) for n, k, s, p in zip(size, window, stride, padding, strict=True)
    )
    return H_out, W_out


def taps(size: Pair, window: Pair, stride: Pair, padding: Pair) -> Iterator[tuple[Grid, Grid]]:
    """Walk over the window row by row: (places, pixels) of each tap, as slices."""
    axes = []
    for n, k, s, p in zip(size, window, stride, padding, strict=True):
        out = out_size(n, k, s, p, 1)
        axes.append([_tap(u, n, s, p, out) for u in range(k)])
    for out_rows, rows in axes[0]:
        for out_columns, columns in axes[1]:
            yield (out_rows, out_columns), (rows, columns)


def _tap(u: int, size: int, stride: int, padding: int, out: int) -> tuple[slice, slice]:
    """Give the places where entry u of the window lies in the image, and the pixels there."""
    first = max(0, -((u - padding) // stride))
    last = min(out - 1, (size - 1 + padding - u) // stride)
    if last < first:
        return slice(0, 0), slice(0, 0)
    start = first * stride + u - padding
    return slice(first, last + 1), slice(start, start + stride * (last - first) + 1, stride)


def counts(size: Pair, window: Pair, stride: Pair, padding: Pair) -> IntArray:
    """Count the pixels of the image under each window, (H_out, W_out)."""
    along = []
    for n, k, s, p in zip(size, window, stride, padding, strict=True):
        start = np.arange(out_size(n, k, s, p, 1)) * s - p
        along.append(np.minimum(start + k, n) - np.maximum(start, 0))
    under: IntArray = np.multiply.outer(along[0], along[1])
    return under


def empty_like_places(x: FloatArray, H_out: int, W_out: int) -> FloatArray:
    """Make an array of the pooled shape, channels-last in memory where x is."""
    N, C = x.shape[:2]
    if x.strides[1] == x.itemsize and C > 1:
        return np.empty((N, H_out, W_out, C), dtype=x.dtype).transpose(0, 3, 1, 2)
    return np.empty((N, C, H_out, W_out), dtype=x.dtype)
