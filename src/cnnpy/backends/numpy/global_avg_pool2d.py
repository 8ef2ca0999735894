"""global_avg_pool2d: a mean over both axes of the image."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["global_avg_pool2d_backward", "global_avg_pool2d_forward"]


def global_avg_pool2d_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Keep the mean of each channel."""
    # float64 sums: in channels-last memory NumPy adds one pixel after the other
    mean = x.mean(axis=(2, 3), keepdims=True, dtype=np.float64)
    return mean.astype(x.dtype, copy=False), x.shape


def global_avg_pool2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Repeat each channel's share over its pixels."""
    N, C, H, W = cache
    dx = np.empty(cache, dtype=dout.dtype)
    dx[...] = dout / dout.dtype.type(H * W)
    return (dx,)
