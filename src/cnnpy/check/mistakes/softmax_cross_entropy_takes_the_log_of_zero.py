"""The loss is infinite where the right class has a probability that is rounded to 0.

Cause: The logarithm is taken of the probability; exp(-1000) is 0 and log(0) is -inf.

Mend: Stay with logarithms: log p = s - log(sum(exp(s))), s the scores less their largest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.softmax_cross_entropy import softmax_cross_entropy_backward
from cnnpy.reference.softmax_cross_entropy import softmax_cross_entropy_forward as right_forward

__all__ = ["softmax_cross_entropy_backward", "softmax_cross_entropy_forward"]


def softmax_cross_entropy_forward(
    x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
) -> tuple[Any, Any]:
    """Measure how surprised the scores are, by the logarithm of each probability."""
    _, cache = right_forward(x, target, label_smoothing=label_smoothing)
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    wanted = np.asarray(target)
    if wanted.ndim == 1:
        wanted = np.eye(x.shape[1])[wanted]
    wanted = (1 - label_smoothing) * wanted + label_smoothing / x.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(wanted > 0, -wanted * np.log(p), 0.0)
    return np.asarray(terms.sum() / len(x), dtype=x.dtype)[()], cache
