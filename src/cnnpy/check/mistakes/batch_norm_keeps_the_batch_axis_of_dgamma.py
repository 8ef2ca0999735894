"""dgamma and dbeta have the shape (1, C).

Cause: The sums keep the axis that they go over: keepdims=True.

Mend: Give them the shape of gamma and beta, (C,): sum without keepdims.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.batch_norm import batch_norm_backward as right_backward
from cnnpy.reference.batch_norm import batch_norm_forward

__all__ = ["batch_norm_backward", "batch_norm_forward"]


def batch_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back, that of scale and shift with an axis too many."""
    dx, dgamma, dbeta = right_backward(dout, cache)
    return dx, None if dgamma is None else dgamma[None], None if dbeta is None else dbeta[None]
