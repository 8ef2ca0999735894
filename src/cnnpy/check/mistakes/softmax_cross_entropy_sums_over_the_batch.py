"""The loss grows with the batch.

Cause: The loss and its gradient are sums over the images and not means.

Mend: Divide both by N.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.softmax_cross_entropy import softmax_cross_entropy_backward as right_backward
from cnnpy.reference.softmax_cross_entropy import softmax_cross_entropy_forward as right_forward

__all__ = ["softmax_cross_entropy_backward", "softmax_cross_entropy_forward"]


def softmax_cross_entropy_forward(
    x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
) -> tuple[Any, Any]:
    """Measure how surprised the scores are, in total."""
    loss, cache = right_forward(x, target, label_smoothing=label_smoothing)
    return loss * x.dtype.type(len(x)), cache


def softmax_cross_entropy_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Pull each probability towards the wanted one, without the mean."""
    dx = right_backward(dout, cache)
    return dx * dx.dtype.type(len(dx))
