"""A pixel gets the gradient of one of its copies.

Cause: The gradient is assigned (=) and not added (+=).

Mend: Add up the block: dout.reshape(N, C, H, scale_h, W, scale_w).sum(axis=(3, 5)).
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.upsample_nearest2d import upsample_nearest2d_forward

__all__ = ["upsample_nearest2d_backward", "upsample_nearest2d_forward"]


def upsample_nearest2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Keep the gradient of each block's last pixel."""
    _, (scale_h, scale_w) = cache
    return dout[:, :, scale_h - 1 :: scale_h, scale_w - 1 :: scale_w].copy()
