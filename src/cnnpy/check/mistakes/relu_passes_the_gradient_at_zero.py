"""The gradient passes where x is exactly 0.

Cause: The gate is x >= 0.

Mend: Open the gate where x > 0: the output does not move with x below it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.relu import relu_forward

__all__ = ["relu_backward", "relu_forward"]


def relu_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Let the gradient through where x was not negative."""
    return np.where(cache < 0, dout.dtype.type(0), dout)
