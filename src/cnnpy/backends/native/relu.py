"""relu by the compiled kernels; one bit an entry remembers where the gradient is blocked."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import empty
from cnnpy.backends.native.layout import in_order, ordered, shaped
from cnnpy.contract.dtypes import FloatArray

__all__ = ["relu_backward", "relu_forward"]


def relu_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Cut off what is negative."""
    array, channels_last = ordered(x)
    out = empty(array.shape, array.dtype)
    blocked = empty((-(-array.size // 64) * 8,), np.dtype(np.uint8)).view(np.uint64)
    _native.relu_forward(array, out, blocked)
    return shaped(out, channels_last), (blocked, channels_last)


def relu_backward(dout: FloatArray, cache: Any, needs: tuple[str, ...]) -> tuple[FloatArray | None]:
    """Let the gradient through where x was positive."""
    blocked, channels_last = cache
    gradient = in_order(dout, channels_last)
    dx = empty(gradient.shape, gradient.dtype)
    _native.relu_backward(gradient, blocked, dx)
    return (shaped(dx, channels_last),)
