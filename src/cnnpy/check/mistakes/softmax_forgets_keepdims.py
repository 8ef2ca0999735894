"""It breaks where there are not as many rows as classes, and is wrong where there are.

Cause: x.max(axis) and exp(s).sum(axis) have lost the axis, and NumPy stands what is left along the
last one.

Mend: Keep the axis: x.max(axis, keepdims=True), exp(s).sum(axis, keepdims=True).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.softmax import softmax_backward

__all__ = ["OTHER_WAYS", "softmax_backward", "softmax_forward"]


def softmax_forward(x: FloatArray, *, axis: int = -1) -> tuple[FloatArray, Any]:
    """Turn scores into probabilities, the axis dropped of both maxima and sums."""
    return _forward(x, axis, False, False)


def _forward(x: FloatArray, axis: int, of_maxima: bool, of_sums: bool) -> tuple[FloatArray, Any]:
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max(axis=axis, keepdims=of_maxima))
        out = e / e.sum(axis=axis, keepdims=of_sums)
    return out, (out.copy(), axis)


def _of_the_sums(x: FloatArray, *, axis: int = -1) -> tuple[FloatArray, Any]:
    return _forward(x, axis, True, False)


def _of_the_maxima(x: FloatArray, *, axis: int = -1) -> tuple[FloatArray, Any]:
    return _forward(x, axis, False, True)


OTHER_WAYS = {
    "the sums": (_of_the_sums, softmax_backward),
    "the maxima": (_of_the_maxima, softmax_backward),
}
"""The axis dropped of one of the two."""
