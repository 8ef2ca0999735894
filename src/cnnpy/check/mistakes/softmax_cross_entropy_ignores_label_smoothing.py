"""The labels stay sharp at any label_smoothing.

Cause: The option is taken and not used.

Mend: Want (1 - s)*q + s/K instead of q.
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
    """Measure how surprised the scores are by the right class alone."""
    return right_forward(x, target)
