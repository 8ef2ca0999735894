"""upsample_nearest2d: blocks as two more axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair

__all__ = ["upsample_nearest2d_backward", "upsample_nearest2d_forward"]


def upsample_nearest2d_forward(x: FloatArray, *, scale_factor: Pair) -> tuple[FloatArray, Any]:
    """Repeat each pixel along both axes."""
    N, C, H, W = x.shape
    scale_h, scale_w = scale_factor
    blocks = np.empty((N, C, H, scale_h, W, scale_w), dtype=x.dtype)
    blocks[...] = x[:, :, :, None, :, None]
    return blocks.reshape(N, C, H * scale_h, W * scale_w), (x.shape, scale_factor)


def upsample_nearest2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Add up the gradients of each pixel's block."""
    (N, C, H, W), (scale_h, scale_w) = cache
    blocks = dout.reshape(N, C, H, scale_h, W, scale_w)
    return (blocks.sum(axis=(3, 5)),)
