"""db has the shape (1, M).

Cause: The sum keeps the axis that it goes over: keepdims=True.

Mend: Give it the shape of b, (M,): dout.sum(axis=0).
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
    """Send the gradient back, that of the bias with an axis too many."""
    dx, dw, db = right_backward(dout, cache)
    return dx, dw, None if db is None else db[None]
