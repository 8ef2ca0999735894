"""dw is the mean over the images, not the sum.

Cause: The average over the batch belongs to the loss, whose gradient is divided already.

Mend: Sum over the images, and do not divide by N.
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
    """Send the gradient back, that of the filters averaged."""
    dx, dw, db = right_backward(dout, cache)
    return dx, dw / dw.dtype.type(max(len(dout), 1)), db
