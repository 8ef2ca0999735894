"""softmax and its logarithm along any axis, seen as (outer, K, inner)."""

from __future__ import annotations

import math
from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import empty
from cnnpy.backends.native.layout import in_order, ordered, shaped
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Shape

__all__ = ["softmax_backward", "softmax_forward"]

_CHANNELS_LAST = (0, 3, 1, 2)
"""Where each axis of (N, C, H, W) stands in (N, H, W, C)."""


def softmax_forward(x: FloatArray, axis: int, *, logs: bool) -> tuple[FloatArray, Any]:
    """Turn scores into probabilities or their logarithms."""
    array, channels_last = ordered(x)
    at = axis % x.ndim
    seen = _around(array.shape, _CHANNELS_LAST[at] if channels_last else at)
    out = empty(array.shape, array.dtype)
    _native.softmax_forward(array.reshape(seen), logs, out.reshape(seen))
    kept = empty(seen, array.dtype)
    _native.copy(out, kept)
    return shaped(out, channels_last), (kept, array.shape, channels_last)


def softmax_backward(dout: FloatArray, cache: Any, *, logs: bool) -> FloatArray:
    """Send the gradient back to the scores."""
    kept, shape, channels_last = cache
    gradient = in_order(dout, channels_last).reshape(kept.shape)
    dx = empty(shape, dout.dtype)
    _native.softmax_backward(gradient, kept, logs, dx.reshape(kept.shape))
    return shaped(dx, channels_last)


def _around(shape: Shape, axis: int) -> Shape:
    """See a shape as what lies before an axis, the axis, and what lies behind."""
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
