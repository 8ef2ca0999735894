"""Large scores give a loss of NaN or infinity.

Cause: exp overflows at scores above 709 (88 in float32), and log(0) is -inf.

Mend: Take the largest score away first, and stay with logarithms: log p = s - log(sum(exp(s))).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.softmax_cross_entropy import softmax_cross_entropy_backward as right_backward
from cnnpy.reference.softmax_cross_entropy import softmax_cross_entropy_forward as right_forward

__all__ = ["softmax_cross_entropy_backward", "softmax_cross_entropy_forward"]


def softmax_cross_entropy_forward(
    x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
) -> tuple[Any, Any]:
    """Measure how surprised the scores are, exp of the scores as they are."""
    with np.errstate(all="ignore"):
        e = np.exp(x)
        p = e / e.sum(axis=1, keepdims=True)
        return right_forward(np.log(p), target, label_smoothing=label_smoothing)


def softmax_cross_entropy_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Pull each probability towards the wanted one."""
    with np.errstate(all="ignore"):
        return right_backward(dout, cache)
