"""max_pool2d by the compiled kernels; which tap won is kept, a byte an entry."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import as_rows, empty, images_from
from cnnpy.backends.native.pooling import geometry, pooled_shape, room_for_taps
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray, *, kernel_size: Pair, stride: Pair, padding: Pair
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of each window."""
    shape = pooled_shape(x.shape, kernel_size, stride, padding)
    pool = geometry(x.shape, shape, kernel_size, stride, padding)
    rows = as_rows(x)
    out = empty(shape, x.dtype)
    which = room_for_taps(shape, kernel_size)
    _native.max_pool2d_forward(pool, rows, None, None, False, out, which)
    return images_from(out), (pool, which, rows.shape)


def max_pool2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Give each gradient to the first tap that equals the maximum."""
    pool, which, shape = cache
    dx = empty(shape, dout.dtype)
    _native.max_pool2d_backward(pool, as_rows(dout), which, dx)
    return (images_from(dx),)
