"""Backward overwrites the images, and where windows overlap it looks for maxima in gradients.

Cause: x[n, c, rows, columns] is a view: what is written into the window is written into x.

Mend: Write into an array of its own: mask = window == window.max(), then
dx[n, c, rows, columns] += mask * dout[n, c, i, j].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["OTHER_WAYS", "max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Write each window's gradient into x, and from there over what stands in dx."""
    return _written(dout, cache, _where_largest)


def _where_largest(window: FloatArray, dout: FloatArray) -> FloatArray:
    window[...] = (window == window.max(axis=(2, 3), keepdims=True)) * dout[:, :, None, None]
    return window


def _at_the_first(window: FloatArray, dout: FloatArray) -> FloatArray:
    window[...] = _one_hot(window, dout).reshape(window.shape)
    return window


def _in_rows(window: FloatArray, dout: FloatArray) -> FloatArray:
    rows = window.reshape(*window.shape[:2], -1)  # a view where the window spans the image
    rows[...] = _one_hot(rows, dout)
    return rows.reshape(window.shape)


def _one_hot(window: FloatArray, dout: FloatArray) -> FloatArray:
    rows = window.reshape(*window.shape[:2], -1)
    one_hot = np.zeros_like(rows)
    np.put_along_axis(one_hot, rows.argmax(axis=2)[:, :, None], dout[:, :, None], axis=2)
    return one_hot


def _written(
    dout: FloatArray,
    cache: Any,
    write: Callable[[FloatArray, FloatArray], FloatArray],
    add: bool = False,
) -> FloatArray:
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    dx = np.zeros(x.shape, dtype=x.dtype)
    for i, j in np.ndindex(dout.shape[2:]):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        before = dx[:, :, rows, columns] if add else 0.0
        dx[:, :, rows, columns] = before + write(x[:, :, rows, columns], dout[:, :, i, j])
    return dx


def _way(write: Callable[[FloatArray, FloatArray], FloatArray], add: bool) -> tuple[Any, ...]:
    def backward(dout: FloatArray, cache: Any) -> FloatArray:
        return _written(dout, cache, write, add)

    return max_pool2d_forward, backward


OTHER_WAYS = {
    "added": _way(_where_largest, True),
    "at the first": _way(_at_the_first, False),
    "at the first, added": _way(_at_the_first, True),
    "in rows": _way(_in_rows, False),
    "in rows, added": _way(_in_rows, True),
}
