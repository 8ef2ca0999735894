"""dw lies on its side, which a square w hides.

Cause: dw is computed as x.T @ dout, of shape (D, M), where w has the shape (M, D).

Mend: Compute dout.T @ x: a gradient has the shape of what it belongs to.
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
    """Send the gradient back, that of the weights transposed."""
    dx, dw, db = right_backward(dout, cache)
    return dx, dw.T, db
