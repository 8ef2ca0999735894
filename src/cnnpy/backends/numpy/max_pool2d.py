"""max_pool2d: a maximum over the taps of the window; backward finds the first that won."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.backends.numpy.taps import empty_like_places, places, taps
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray, *, kernel_size: Pair, stride: Pair, padding: Pair
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of each window."""
    size = (x.shape[2], x.shape[3])
    out = empty_like_places(x, *places(size, kernel_size, stride, padding))
    out.fill(-np.inf)
    for there, here in taps(size, kernel_size, stride, padding):
        target = out[(..., *there)]
        np.maximum(target, x[(..., *here)], out=target)
    return out, (x, out.copy(), kernel_size, stride, padding)


def max_pool2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Give each gradient to the first tap that equals the maximum."""
    x, out, kernel_size, stride, padding = cache
    dx = np.zeros_like(x)
    open_places = np.ones_like(out, dtype=bool)
    nothing = dout.dtype.type(0)
    has_nan = bool(np.isnan(out).any())
    for there, here in taps((x.shape[2], x.shape[3]), kernel_size, stride, padding):
        value, largest = x[(..., *here)], out[(..., *there)]
        won = value == largest
        if has_nan:
            won |= np.isnan(value)
        still = open_places[(..., *there)]
        won &= still
        still ^= won
        # chosen, not multiplied by 0: what is Inf in dout stays where it belongs
        dx[(..., *here)] += np.where(won, dout[(..., *there)], nothing)
    return (dx,)
