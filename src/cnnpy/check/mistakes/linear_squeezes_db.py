"""db is a number, and no array, where there is one output.

Cause: np.squeeze takes away every axis of length 1, so also that of the outputs where it is one.

Mend: Name the axis to sum over and keep no others: dout.sum(axis=0) has the shape of b, (M,).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.linear import linear_backward as right_backward
from cnnpy.reference.linear import linear_forward

__all__ = ["linear_backward", "linear_forward"]


def linear_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back, that of the bias without its axes of length 1."""
    dx, dw, db = right_backward(dout, cache)
    return dx, dw, None if db is None else np.squeeze(db)
