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

__all__ = ["OTHER_WAYS", "softmax_cross_entropy_backward", "softmax_cross_entropy_forward"]


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


def _by_the_quotient_rule(
    x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
) -> tuple[Any, Any]:
    loss, right = softmax_cross_entropy_forward(x, target, label_smoothing=label_smoothing)
    return loss, (x, target, right)


def _quotients(dout: FloatArray, cache: Any) -> FloatArray:
    x, target, right = cache
    if np.ndim(target) != 1:
        return softmax_cross_entropy_backward(dout, right)
    n = np.arange(len(x))
    with np.errstate(all="ignore"):
        e = np.exp(x)
        total = e.sum(axis=1)
        wanted = e[n, target]
        slope = np.repeat(-wanted[:, None], x.shape[1], axis=1)
        slope[n, target] = total - wanted
        dp = -dout / len(x) / (wanted / total)
        return np.asarray(slope / (total * total)[:, None] * dp[:, None] * e, dtype=x.dtype)


OTHER_WAYS = {"by the quotient rule": (_by_the_quotient_rule, _quotients)}
"""The same with the gradient of each quotient: the square of the sum overflows before the sum."""
