"""Outputs are found by the formula of the output's size, and so at a wrong place or at none.

Cause: The output of the window that starts in row i is taken for the one of row
1 + (i - HH) // stride. That is so where the stride is the window, as in the course's tests.

Mend: Count the windows: row i // stride; or loop over the outputs, and let i*stride start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.max_pool2d import max_pool2d_backward as right_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward as right_forward

__all__ = ["OTHER_WAYS", "max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Write each maximum to the place that the formula of the size gives for its window."""
    right, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    return _written(right, cache, _down), cache


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each window the gradient that stands where the formula of the size says."""
    return right_backward(_taken(dout, cache, _down), cache)


def _forward_by_int(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Cut off what is behind the point, as int does: it rounds to 0 and not down."""
    right, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    return _written(right, cache, _to_zero), cache


def _backward_by_int(dout: FloatArray, cache: Any) -> FloatArray:
    return right_backward(_taken(dout, cache, _to_zero), cache)


OTHER_WAYS = {"by int": (_forward_by_int, _backward_by_int)}


def _written(right: FloatArray, cache: Any, place: Callable[..., int]) -> FloatArray:
    out = np.zeros_like(right)
    for i, j in np.ndindex(right.shape[2:]):
        out[:, :, *_place(i, j, cache, place)] = right[:, :, i, j]
    return out


def _taken(dout: FloatArray, cache: Any, place: Callable[..., int]) -> FloatArray:
    taken = np.zeros_like(dout)
    for i, j in np.ndindex(dout.shape[2:]):
        taken[:, :, i, j] = dout[:, :, *_place(i, j, cache, place)]
    return taken


def _place(i: int, j: int, cache: Any, place: Callable[..., int]) -> Pair:
    _, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    return place(i, stride_h, 2 * pad_h - HH), place(j, stride_w, 2 * pad_w - WW)


def _down(k: int, stride: int, more: int) -> int:
    return 1 + (k * stride + more) // stride


def _to_zero(k: int, stride: int, more: int) -> int:
    return int(1 + (k * stride + more) / stride)
