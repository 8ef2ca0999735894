"""dw is the mean over the batch, not the sum.

Cause: The average over the batch belongs to the loss, whose gradient is divided already.

Mend: Sum over the batch, and do not divide by N.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.linear import linear_backward as right_backward
from cnnpy.reference.linear import linear_forward

__all__ = ["linear_backward", "linear_forward"]


def linear_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back, that of the weights averaged."""
    dx, dw, db = right_backward(dout, cache)
    return dx, dw / dw.dtype.type(max(len(dout), 1)), db
