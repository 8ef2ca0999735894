"""dgamma and dbeta are means over the batch, not sums.

Cause: The average over the batch belongs to the loss, whose gradient is divided already.

Mend: Sum: dgamma = (dout * x_hat).sum(axis=0), dbeta = dout.sum(axis=0).
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
    """Send the gradient back, that of scale and shift averaged."""
    dx, dgamma, dbeta = right_backward(dout, cache)
    n = dout.dtype.type(max(dout[:, :1].size, 1))
    return dx, None if dgamma is None else dgamma / n, None if dbeta is None else dbeta / n
