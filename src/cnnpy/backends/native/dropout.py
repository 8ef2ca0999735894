"""dropout by the compiled kernels: one selection each way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import empty
from cnnpy.backends.native.layout import copy_of, in_order, ordered, shaped
from cnnpy.contract.dtypes import FloatArray

__all__ = ["dropout_backward", "dropout_forward"]


def dropout_forward(
    x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float
) -> tuple[FloatArray, Any]:
    """Drop entries and scale up those that stay."""
    if mask is None:
        return copy_of(x), None
    array, channels_last = ordered(x)
    stays = np.ascontiguousarray(mask.transpose(0, 2, 3, 1) if channels_last else mask)
    stays = stays.reshape(array.shape)  # an array without axes came back with one
    scale = 1 / (1 - p) if p < 1 else 0.0
    return _keep(array, stays, scale, channels_last), (stays, scale, channels_last)


def dropout_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Let the gradient through where the entry stayed."""
    if cache is None:
        return (copy_of(dout),)
    stays, scale, channels_last = cache
    return (_keep(in_order(dout, channels_last), stays, scale, channels_last),)


def _keep(
    array: FloatArray, stays: NDArray[np.bool_], scale: float, channels_last: bool
) -> FloatArray:
    out = empty(array.shape, array.dtype)
    _native.dropout(array, stays, scale, out)
    return shaped(out, channels_last)
