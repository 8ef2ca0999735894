"""upsample_nearest2d: the definition.

out[n, c, i, j] = x[n, c, i // scale_h, j // scale_w]: each pixel becomes a block,
and collects the gradients of its block.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair

__all__ = ["upsample_nearest2d_backward", "upsample_nearest2d_forward"]


def upsample_nearest2d_forward(
    x: FloatArray, *, scale_factor: int | Pair
) -> tuple[FloatArray, Any]:
    """Repeat each pixel along both axes.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    scale_factor : int or (int, int)
        Repetitions along H and W.

    Returns
    -------
    out : ndarray of shape (N, C, H*scale_h, W*scale_w)
        The larger images.
    cache : tuple
        Sizes.
    """
    scale_h, scale_w = as_pair(scale_factor)
    N, C, H_out, W_out = shapes.upsample_nearest2d(x.shape, scale_factor=(scale_h, scale_w))
    out = np.empty((N, C, H_out, W_out), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    out[n, c, i, j] = x[n, c, i // scale_h, j // scale_w]
    return out, (x.shape, (scale_h, scale_w))


def upsample_nearest2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Add up the gradients of each pixel's block.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H*scale_h, W*scale_w)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `upsample_nearest2d_forward`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the images.
    """
    x_shape, (scale_h, scale_w) = cache
    N, C, H_out, W_out = dout.shape
    dx = np.zeros(x_shape, dtype=dout.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    dx[n, c, i // scale_h, j // scale_w] += dout[n, c, i, j]
    return dx
