"""The border's gradient is lost.

Cause: Backward cuts the border off, which is right for constants only.

Mend: Add each border pixel's gradient to the pixel that it was copied from.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.pad2d import pad2d_forward

__all__ = ["pad2d_backward", "pad2d_forward"]


def pad2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Cut the border off."""
    (_, _, H, W), top, left, _ = cache
    return dout[:, :, top : top + H, left : left + W].copy()
