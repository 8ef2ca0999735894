"""Only classes that score higher than the right one are charged.

Cause: The margin of 1 is left out: x - x[y] where it should be x - x[y] + 1.

Mend: Add the margin: max(0, x - x[y] + 1) for all classes but the right one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.hinge import hinge_backward as right_backward
from cnnpy.reference.hinge import hinge_forward as right_forward

__all__ = ["hinge_backward", "hinge_forward"]


def hinge_forward(x: FloatArray, target: NDArray[Any]) -> tuple[Any, Any]:
    """Charge each class whose score is higher than the right one's."""
    loss, _ = right_forward(_closer(x, target), target)
    return loss, (x, target)


def hinge_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Push down each class whose score is higher than the right one's."""
    x, target = cache
    return right_backward(dout, (_closer(x, target), target))


def _closer(x: FloatArray, target: NDArray[Any]) -> FloatArray:
    """Raise the right scores by the margin, which then is none."""
    raised = x.copy()
    raised[np.arange(len(x)), target] += 1
    return raised
