"""The right class gets the gradient of one charge, however many classes were charged.

Cause: 1 is taken away at the right class, and not the number of classes that were charged.

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
    """Push down each class that was charged, and the right one up once."""
    _, target = cache
    dx = right_backward(dout, cache)
    rows = np.arange(len(dx))
    dx[rows, target] = np.where(dx[rows, target] != 0, -dout / max(len(dx), 1), 0)
    return dx
