"""Small probabilities give -inf.

Cause: The logarithm is taken of a softmax that was rounded to 0.

Mend: Stay with logarithms: x - max - log(sum(exp(x - max))).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.log_softmax import log_softmax_backward
from cnnpy.reference.softmax import softmax_forward

__all__ = ["log_softmax_backward", "log_softmax_forward"]


def log_softmax_forward(x: FloatArray, *, axis: int = -1) -> tuple[FloatArray, Any]:
    """Take the logarithm of a softmax."""
    p, _ = softmax_forward(x, axis=axis)
    with np.errstate(divide="ignore"):
        out = np.log(p)
    return out, (out.copy(), axis)
