"""The gradient is half of what it should be.

Cause: The derivative of the square is twice the difference; 2 cancels only in losses with a
1/2.

Mend: Compute dout * 2 * (x - target) / x.size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.mean_squared_error import mean_squared_error_backward as right_backward
from cnnpy.reference.mean_squared_error import mean_squared_error_forward

__all__ = ["mean_squared_error_backward", "mean_squared_error_forward"]


def mean_squared_error_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Pull each entry towards what was wanted, half as hard."""
    return np.asarray(right_backward(dout, cache) / 2)
