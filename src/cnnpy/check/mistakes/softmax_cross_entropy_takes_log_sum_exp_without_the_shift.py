"""Large scores give an infinite loss and a gradient that knows no other class.

Cause: log(sum(exp(s))) overflows at scores above 709 (88 in float32): every log p is -inf then.

Mend: Take the largest score away first: m + log(sum(exp(s - m))), m the largest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.softmax_cross_entropy import softmax_cross_entropy_backward

__all__ = ["softmax_cross_entropy_backward", "softmax_cross_entropy_forward"]


def softmax_cross_entropy_forward(
    x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
) -> tuple[Any, Any]:
    """Measure how surprised the scores are, the logarithm taken of sums of large numbers."""
    N, K = x.shape
    wanted = np.eye(K, dtype=x.dtype)[target] if np.ndim(target) == 1 else np.asarray(target)
    wanted = ((1 - label_smoothing) * wanted + label_smoothing / max(K, 1)).astype(x.dtype)
    with np.errstate(all="ignore"):
        log_p = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
        loss = np.where(wanted != 0, -wanted * log_p, 0).sum() / x.dtype.type(N)
        return loss, (np.exp(log_p), wanted)
