"""The gradient passes where x is exactly 0 or 6.

Cause: The gate is 0 <= x <= 6.

Mend: Open the gate where x > 0 and x < 6, the kinks left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.relu6 import relu6_forward

__all__ = ["relu6_backward", "relu6_forward"]


def relu6_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Let the gradient through where x was from 0 to 6."""
    return np.where((cache < 0) | (cache > 6), dout.dtype.type(0), dout)
