"""avg_pool2d: a sum over the taps of the window."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.backends.numpy.taps import counts, empty_like_places, places, taps
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair

__all__ = ["avg_pool2d_backward", "avg_pool2d_forward"]


def avg_pool2d_forward(
    x: FloatArray, *, kernel_size: Pair, stride: Pair, padding: Pair, count_include_pad: bool
) -> tuple[FloatArray, Any]:
    """Keep the mean of each window."""
    size = (x.shape[2], x.shape[3])
    out = empty_like_places(x, *places(size, kernel_size, stride, padding))
    out.fill(0)
    for there, here in taps(size, kernel_size, stride, padding):
        out[(..., *there)] += x[(..., *here)]
    if count_include_pad:
        divisor = np.asarray(kernel_size[0] * kernel_size[1], dtype=x.dtype)
    else:
        divisor = counts(size, kernel_size, stride, padding).astype(x.dtype)
    out /= divisor
    return out, (x.shape, kernel_size, stride, padding, divisor)


def avg_pool2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Add each window's share to the pixels under it."""
    x_shape, kernel_size, stride, padding, divisor = cache
    share = dout / divisor
    dx = empty_like_places(share, *x_shape[2:])
    dx.fill(0)
    for there, here in taps(x_shape[2:], kernel_size, stride, padding):
        dx[(..., *here)] += share[(..., *there)]
    return (dx,)
