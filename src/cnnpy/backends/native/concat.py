"""concat by the compiled kernels: each array is some columns of a matrix."""

from __future__ import annotations

import math
from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import empty
from cnnpy.backends.native.layout import in_order, ordered, shaped
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Shape

__all__ = ["concat_backward", "concat_forward"]

_CHANNELS_LAST = (0, 3, 1, 2)
"""Where each axis of (N, C, H, W) stands in (N, H, W, C)."""


def concat_forward(xs: tuple[FloatArray, ...], *, axis: int) -> tuple[FloatArray, Any]:
    """Lay arrays one behind the other."""
    channels_last = ordered(xs[0]).channels_last
    arrays = [in_order(x, channels_last) for x in xs]
    at = axis % xs[0].ndim
    at = _CHANNELS_LAST[at] if channels_last else at
    shape = list(arrays[0].shape)
    shape[at] = sum(array.shape[at] for array in arrays)
    out = empty(tuple(shape), arrays[0].dtype)
    whole, start = out.reshape(_matrix(out.shape, at)), 0
    for array in arrays:
        part = array.reshape(_matrix(array.shape, at))
        _native.copy_columns(part, 0, whole, start, part.shape[1])
        start += part.shape[1]
    return shaped(out, channels_last), ([a.shape for a in arrays], at, channels_last)


def concat_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[list[FloatArray]]:
    """Cut the gradient into the arrays' parts."""
    parts, at, channels_last = cache
    gradient = in_order(dout, channels_last)
    whole, start, dxs = gradient.reshape(_matrix(gradient.shape, at)), 0, []
    for shape in parts:
        dx = empty(shape, dout.dtype)
        part = dx.reshape(_matrix(shape, at))
        _native.copy_columns(whole, start, part, 0, part.shape[1])
        start += part.shape[1]
        dxs.append(shaped(dx, channels_last))
    return (dxs,)


def _matrix(shape: Shape, axis: int) -> Shape:
    """See an array as rows: what stands before the axis, by the axis and what is behind."""
    return math.prod(shape[:axis]), math.prod(shape[axis:])
