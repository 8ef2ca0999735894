"""The slope is the sigmoid alone.

Cause: x stands in both factors of x*sigmoid(x); only one of them is differentiated.

Mend: Add the other term: s + x*s*(1 - s).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.sigmoid import sigmoid_forward
from cnnpy.reference.silu import silu_forward

__all__ = ["silu_backward", "silu_forward"]


def silu_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Weigh the gradient with the sigmoid."""
    share, _ = sigmoid_forward(cache)
    return np.asarray(dout * share)
