"""mean_squared_error by the compiled kernels; the cache holds references to both."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import empty
from cnnpy.backends.native.layout import in_order, ordered, shaped
from cnnpy.contract.dtypes import FloatArray

__all__ = ["mean_squared_error_backward", "mean_squared_error_forward"]


def mean_squared_error_forward(x: FloatArray, target: FloatArray) -> tuple[Any, Any]:
    """Average the squared differences over all entries."""
    array, channels_last = ordered(x)
    wanted = in_order(target, channels_last)
    loss = _native.squared_distance(array, wanted) / x.size if x.size else np.nan
    return x.dtype.type(loss), (array, wanted, channels_last)


def mean_squared_error_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Pull each entry towards what was wanted."""
    array, wanted, channels_last = cache
    dx = empty(array.shape, array.dtype)
    _native.scaled_difference(array, wanted, float(dout) * 2 / max(array.size, 1), dx)
    return (shaped(dx, channels_last),)
