"""The gradient is multiplied with the output.

Cause: Backward multiplies dout with np.maximum(x, 0), where it wants 1 for what is positive.

Mend: Multiply with the slope, which is 0 or 1: dout * (x > 0).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.relu import relu_forward

__all__ = ["relu_backward", "relu_forward"]


def relu_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Weigh the gradient with the output."""
    return np.asarray(dout * np.maximum(cache, 0))
