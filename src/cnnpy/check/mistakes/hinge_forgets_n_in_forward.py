"""The loss is N times too large, its gradient is right.

Cause: The loss is a sum over the images, where backward divides by N.

Mend: Divide the loss by N too.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.hinge import hinge_backward
from cnnpy.reference.hinge import hinge_forward as right_forward

__all__ = ["hinge_backward", "hinge_forward"]


def hinge_forward(x: FloatArray, target: NDArray[Any]) -> tuple[Any, Any]:
    """Charge each class whose score comes within 1 of the right one's, in total."""
    loss, cache = right_forward(x, target)
    return loss * x.dtype.type(len(x)), cache
