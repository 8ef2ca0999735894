"""pad2d: the definition.

Each output pixel is copied from a pixel of the image, or is `value`. Which one,
for an image row  a b c d  and two pixels of padding on either side:

constant    v v a b c d v v        reflect   c b a b c d c b
replicate   a a a b c d d d        circular  c d a b c d a b
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, Sides

__all__ = ["pad2d_backward", "pad2d_forward", "source"]


def source(k: int, size: int, mode: str) -> int | None:
    """Tell which entry of an axis is copied to place `k` counted from its first.

    Parameters
    ----------
    k : int
        The place, negative before the first entry.
    size : int
        Entries of the axis.
    mode : {"constant", "reflect", "replicate", "circular"}
        How to go on outside.

    Returns
    -------
    int or None
        The entry; None where the constant stands.

    Examples
    --------
    >>> [source(k, 4, "reflect") for k in range(-2, 6)]
    [2, 1, 0, 1, 2, 3, 2, 1]
    """
    if 0 <= k < size:
        return k
    if mode == "reflect":
        return -k if k < 0 else 2 * (size - 1) - k
    if mode == "replicate":
        return 0 if k < 0 else size - 1
    if mode == "circular":
        return k % size
    return None


def pad2d_forward(
    x: FloatArray,
    *,
    padding: int | Pair | Sides,
    mode: str = "constant",
    value: float = 0.0,
) -> tuple[FloatArray, Any]:
    """Surround images with a border.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    padding : int, (int, int) or (int, int, int, int)
        All sides, (along H, along W), or (top, bottom, left, right).
    mode : {"constant", "reflect", "replicate", "circular"}
        What the border is made of.
    value : float
        The border's value with mode "constant".

    Returns
    -------
    out : ndarray of shape (N, C, top + H + bottom, left + W + right)
        The images with their borders.
    cache : tuple
        Sizes and the mode.
    """
    top, bottom, left, right = _sides(padding)
    N, C, H_out, W_out = shapes.pad2d(
        x.shape, padding=(top, bottom, left, right), mode=mode, value=value
    )
    H, W = x.shape[2:]
    out = np.empty((N, C, H_out, W_out), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    row, column = source(i - top, H, mode), source(j - left, W, mode)
                    inside = row is not None and column is not None
                    out[n, c, i, j] = x[n, c, row, column] if inside else value
    return out, (x.shape, top, left, mode)


def pad2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each border pixel's gradient back to the pixel that it was copied from.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `pad2d_forward`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the images.
    """
    x_shape, top, left, mode = cache
    N, C, H_out, W_out = dout.shape
    H, W = x_shape[2:]
    dx = np.zeros(x_shape, dtype=dout.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    row, column = source(i - top, H, mode), source(j - left, W, mode)
                    if row is not None and column is not None:
                        dx[n, c, row, column] += dout[n, c, i, j]
    return dx


def _sides(padding: int | Pair | Sides) -> Sides:
    if isinstance(padding, int):
        return padding, padding, padding, padding
    if len(padding) == 2:
        return padding[0], padding[0], padding[1], padding[1]
    return padding
