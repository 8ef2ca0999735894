"""avg_pool2d by the compiled kernels."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import as_rows, empty, images_from
from cnnpy.backends.native.pooling import geometry, pooled_shape
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair

__all__ = ["avg_pool2d_backward", "avg_pool2d_forward"]


def avg_pool2d_forward(
    x: FloatArray, *, kernel_size: Pair, stride: Pair, padding: Pair, count_include_pad: bool
) -> tuple[FloatArray, Any]:
    """Keep the mean of each window."""
    shape = pooled_shape(x.shape, kernel_size, stride, padding)
    pool = geometry(x.shape, shape, kernel_size, stride, padding, count_include_pad)
    rows = as_rows(x)
    out = empty(shape, x.dtype)
    _native.avg_pool2d_forward(pool, rows, out)
    return images_from(out), (pool, rows.shape)


def avg_pool2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Add each window's share to the pixels under it."""
    pool, shape = cache
    dx = empty(shape, dout.dtype)
    _native.avg_pool2d_backward(pool, as_rows(dout), dx)
    return (images_from(dx),)
