"""global_avg_pool2d by the compiled kernels: sums over pixels in float64."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import as_rows, contiguous, empty, images_from
from cnnpy.contract.dtypes import FloatArray

__all__ = ["global_avg_pool2d_backward", "global_avg_pool2d_forward"]


def global_avg_pool2d_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Keep the mean of each channel."""
    rows = as_rows(x)
    N, C = x.shape[:2]
    mean = empty((N, C), x.dtype)
    _native.channel_means(rows, mean)
    return mean.reshape(N, C, 1, 1), rows.shape


def global_avg_pool2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Repeat each channel's share over its pixels."""
    dx = empty(cache, dout.dtype)
    _native.channel_means_backward(contiguous(dout).reshape(dout.shape[:2]), dx)
    return (images_from(dx),)
