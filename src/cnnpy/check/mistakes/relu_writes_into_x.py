"""The caller's x is changed.

Cause: x[x < 0] = 0 writes into the array that was handed in.

Mend: Make a new array: np.maximum(x, 0).
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.relu import relu_backward

__all__ = ["relu_backward", "relu_forward"]


def relu_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Cut off what is negative, in place."""
    x[x < 0] = 0
    return x, x
