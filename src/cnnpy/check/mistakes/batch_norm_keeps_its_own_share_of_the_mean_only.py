"""dx is dout, scaled: what the other values get by the mean is left out, and the spread.

Cause: The slope of (x - mean) is taken for 1 - 1/N; it has -1/N for each of the other values too.

Mend: Take the means over the batch:
inv_std * (dx_hat - mean(dx_hat) - x_hat * mean(dx_hat * x_hat)).
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
    """Send the gradient back along each value's own way."""
    x_hat, inv_std, gamma, beta, train = cache
    dx, dgamma, dbeta = right_backward(dout, cache)
    if not train or not x_hat.size:
        return dx, dgamma, dbeta
    column = (1, -1, *(1,) * (dout.ndim - 2))
    n = dout.dtype.type(x_hat.size // x_hat.shape[1])
    dx_hat = dout if gamma is None else dout * gamma.reshape(column)
    return dx_hat * inv_std.reshape(column) * (1 - 1 / n), dgamma, dbeta
