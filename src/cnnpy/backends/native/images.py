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

_SURROUNDS = {"zero": 0, "edge": 1, "reflect": 2}  # as the engine numbers them


def images_from_bytes(
    images: NDArray[np.uint8],
    values: FloatArray,
    chosen: NDArray[np.int64] | None = None,
    moves: NDArray[np.int32] | None = None,
    *,
    border: str = "zero",
    holes: NDArray[np.int32] | None = None,
    fill: NDArray[np.uint8] | None = None,
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
        For each image a row, a column and flips: pixel (i, j) of the result is that at
        (i' + row, j' + column), where j' is W - 1 - j if flips & 1, i' is H - 1 - i if
        flips & 2.
    border : {"zero", "edge", "reflect"}
        What stands beyond the border: the byte 0, the border's own pixels, or the image
        mirrored at them.
    holes : ndarray of shape (N, 4), optional
        The rectangle of each result that is hidden: top, bottom, left, right, the ends not
        included.
    fill : ndarray of shape (C,), optional
        The bytes that hide it; 0 by default.

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
    if holes is None:
        holes = np.zeros((N, 4), np.int32)
    if fill is None:
        fill = np.zeros(C, np.uint8)
    assert values.shape == (C, 256)
    assert moves.shape == (N, 3)
    assert holes.shape == (N, 4)
    assert fill.shape == (C,)
    assert N == 0 or (chosen.min() >= 0 and chosen.max() < M)
    out: FloatArray = empty((N, H, W, C), values.dtype)
    _native.images_from_bytes(
        images,
        np.ascontiguousarray(chosen),
        np.ascontiguousarray(moves),
        _SURROUNDS[border],
        np.ascontiguousarray(holes),
        np.ascontiguousarray(fill),
        contiguous(values),
        out,
    )
    return images_from(out)
