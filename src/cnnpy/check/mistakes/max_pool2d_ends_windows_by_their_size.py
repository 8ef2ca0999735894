"""A window grows, or shrinks away, the further down and right it stands.

Cause: It starts at i*stride and ends where windows side by side would: x[i*stride : i*HH + HH].

Mend: End it HH rows behind its start: x[i*stride : i*stride + HH].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.max_pool2d import max_pool2d_forward as right_forward

__all__ = ["OTHER_WAYS", "max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep the largest entry from i*stride up to (i + 1)*HH."""
    right, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    out = np.zeros_like(right)
    for n, c, i, j in np.ndindex(out.shape):
        out[n, c, i, j] = np.max(x[n, c][_window(i, j, cache)])
    return out, cache


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to the largest entry from i*stride up to (i + 1)*HH."""
    return _routed(dout, cache, True)


def _overwritten(dout: FloatArray, cache: Any) -> FloatArray:
    """Give it over what stood there."""
    return _routed(dout, cache, False)


OTHER_WAYS = {
    "in backward": (right_forward, max_pool2d_backward),  # forward breaks where it is made too
    "overwritten": (
        right_forward,
        _overwritten,
        "max_pool2d_overwrites_where_windows_overlap",
    ),
}


def _routed(dout: FloatArray, cache: Any, add: bool) -> FloatArray:
    x = cache[0]
    dx = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        at = _window(i, j, cache)
        window = x[n, c][at]
        place = np.unravel_index(np.argmax(window), window.shape)
        before = dx[n, c][at][place] if add else 0.0
        dx[n, c][at][place] = before + dout[n, c, i, j]
    return dx


def _window(i: int, j: int, cache: Any) -> tuple[slice, slice]:
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    return (
        _span(i, stride_h, HH, pad_h, x.shape[2]),
        _span(j, stride_w, WW, pad_w, x.shape[3]),
    )


def _span(i: int, stride: int, size: int, padding: int, end: int) -> slice:
    start = max(i * stride - padding, 0)
    return slice(start, max(start, min((i + 1) * size - padding, end)))
