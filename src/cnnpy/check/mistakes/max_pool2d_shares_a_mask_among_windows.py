"""Where windows overlap, a window's gradient goes to the maxima of its neighbours too.

Cause: One mask of the image's size marks the maxima of all windows: dx[...] += mask[...] * dout.

Mend: Make the mask of each window anew, or keep the place of its maximum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["OTHER_WAYS", "max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Send each window's gradient to all maxima that lie in it."""
    mask = _maxima(dout.shape, cache)
    dx = np.zeros_like(mask)
    for at, n, c, i, j in _windows(dout.shape, cache):
        dx[at] += mask[at] * dout[n, c, i, j]
    return dx


def _overwriting(dout: FloatArray, cache: Any) -> FloatArray:
    mask = _maxima(dout.shape, cache)
    dx = np.zeros_like(mask)
    for at, n, c, i, j in _windows(dout.shape, cache):
        dx[at] = mask[at] * dout[n, c, i, j]
    return dx


OTHER_WAYS = {
    "overwriting": (max_pool2d_forward, _overwriting, "max_pool2d_overwrites_the_whole_window"),
}
"""The same over what stood there before."""


def _maxima(shape: tuple[int, ...], cache: Any) -> FloatArray:
    x = cache[0]
    mask: FloatArray = np.zeros(x.shape, dtype=x.dtype)
    for at, *_ in _windows(shape, cache):
        window = mask[at]
        window[np.unravel_index(np.argmax(x[at]), window.shape)] = 1.0
    return mask


def _windows(shape: tuple[int, ...], cache: Any) -> Any:
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    for n, c, i, j in np.ndindex(shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        yield (n, c, rows, columns), n, c, i, j
