"""The slope is x*(1 - x).

Cause: The formula s*(1 - s) is filled with the input where it wants the output.

Mend: Keep the output s for backward and compute dout * s * (1 - s).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.sigmoid import sigmoid_forward

__all__ = ["sigmoid_backward", "sigmoid_forward"]


def sigmoid_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Weigh the gradient with x*(1 - x)."""
    x = cache
    return np.asarray(dout * x * (1 - x))
