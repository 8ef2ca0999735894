"""The loss is N times too large, its gradient is right.

Cause: The loss is a sum over the images, where backward divides by N.

Mend: Divide the loss by N too.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.softmax_cross_entropy import softmax_cross_entropy_backward
from cnnpy.reference.softmax_cross_entropy import softmax_cross_entropy_forward as right_forward

__all__ = ["softmax_cross_entropy_backward", "softmax_cross_entropy_forward"]


def softmax_cross_entropy_forward(
    x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
) -> tuple[Any, Any]:
    """Measure how surprised the scores are, in total."""
    loss, cache = right_forward(x, target, label_smoothing=label_smoothing)
    return loss * x.dtype.type(len(x)), cache
