"""All probabilities together sum to one, and not those of each row.

Cause: np.sum(np.exp(x)) without an axis is the sum of the whole batch.

Mend: Sum along the classes: exp(s).sum(axis, keepdims=True).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.softmax import softmax_backward

__all__ = ["OTHER_WAYS", "softmax_backward", "softmax_forward"]


def softmax_forward(x: FloatArray, *, axis: int = -1) -> tuple[FloatArray, Any]:
    """Turn scores into probabilities, the whole array at once."""
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max(initial=-np.inf))
        out = np.asarray(e / e.sum())
    return out, (out.copy(), axis)


def _rows_shifted(x: FloatArray, *, axis: int = -1) -> tuple[FloatArray, Any]:
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        out = np.asarray(e / e.sum())
    return out, (out.copy(), axis)


OTHER_WAYS = {"each row shifted by its own": (_rows_shifted, softmax_backward)}
"""The largest score of each row taken away from it, and the sum of all."""
