"""The gradient passes where x is above 6.

Cause: Backward is that of relu.

Mend: Open the gate where x > 0 and x < 6: above 6 the output does not move with x.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.relu6 import relu6_forward

__all__ = ["relu6_backward", "relu6_forward"]


def relu6_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Let the gradient through where x was positive."""
    return np.where(cache <= 0, dout.dtype.type(0), dout)
