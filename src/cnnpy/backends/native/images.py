"""Raw images of bytes to floats: gathered, moved, looked up and laid out in one pass.

A byte has 256 values, so the caller computes what each becomes, and the kernel looks it
up: the bits are those of the caller's arithmetic.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import contiguous, empty, images_from
from cnnpy.contract.dtypes import FloatArray

__all__ = ["images_from_bytes"]


def images_from_bytes(
    images: NDArray[np.uint8],
    values: FloatArray,
    chosen: NDArray[np.int64] | None = None,
    moves: NDArray[np.int32] | None = None,
    *,
    edge: bool = False,
) -> FloatArray:
    """Make a batch of floats from some of the images.

    Parameters
    ----------
    images : ndarray of shape (M, C, H, W)
        Of any strides.
    values : ndarray of shape (C, 256)
        What each byte of a channel becomes; its dtype is that of the result.
    chosen : ndarray of shape (N,), optional
        The numbers of the images, in their order; all of them as they stand without it.
    moves : ndarray of shape (N, 3), optional
        For each image a row, a column and 0 or 1: pixel (i, j) of the result is that at
        (i + row, j + column), or (i + row, W - 1 - j + column) where the last is 1.
    edge : bool
        What stands beyond the border: the border's own pixels, else the byte 0.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        In channels-last memory.
    """
    M, C, H, W = images.shape
    if chosen is None:
        chosen = np.arange(M, dtype=np.int64)
    N = len(chosen)
    if moves is None:
        moves = np.zeros((N, 3), np.int32)
    assert values.shape == (C, 256)
    assert moves.shape == (N, 3)
    assert N == 0 or (chosen.min() >= 0 and chosen.max() < M)
    out: FloatArray = empty((N, H, W, C), values.dtype)
    _native.images_from_bytes(
        images, np.ascontiguousarray(chosen), moves, edge, contiguous(values), out
    )
    return images_from(out)
