"""Backward breaks for every kernel that is not 3x3.

Cause: The kernel's size is written into backward as a number: reshape(3, 3), or i*stride + 3.

Mend: Read it: F, C, HH, WW = w.shape.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back through filters of 3x3."""
    x, w, *others = cache
    rows = w.reshape(-1, w.shape[2] * w.shape[3])
    return right_backward(dout, (x, rows.reshape(*w.shape[:2], 3, 3), *others))
