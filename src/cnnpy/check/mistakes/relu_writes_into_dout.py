"""The caller's dout is changed.

Cause: dout[x <= 0] = 0 writes into the array that was handed in.

Mend: Make a new array: np.where(x > 0, dout, 0), or copy dout first.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.relu import relu_forward

__all__ = ["relu_backward", "relu_forward"]


def relu_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Set the gradient to zero where x was not positive, in place."""
    dout[cache <= 0] = 0
    return dout
