"""No gradient passes where x is negative.

Cause: Backward is that of relu.

Mend: Multiply dout with negative_slope where x is not positive.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.leaky_relu import leaky_relu_forward

__all__ = ["leaky_relu_backward", "leaky_relu_forward"]


def leaky_relu_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Let the gradient through where x was positive."""
    x, _ = cache
    return np.where(x > 0, dout, dout.dtype.type(0))
