"""The right class gets no gradient.

Cause: Its score stands in every margin with a minus, and backward sees the plus only.

Mend: Take away 1/N at the right class for every class that was charged.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.hinge import hinge_backward as right_backward
from cnnpy.reference.hinge import hinge_forward

__all__ = ["hinge_backward", "hinge_forward"]


def hinge_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Push down each class that was charged."""
    _, target = cache
    dx = right_backward(dout, cache)
    dx[np.arange(len(dx)), target] = 0
    return dx
