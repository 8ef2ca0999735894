"""dx is off: sums stand in it where means are meant.

Cause: What mean and variance send back is not divided by how many values they are made of.

Mend: Divide both sums by the number of values of a channel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.batch_norm import batch_norm_backward as right_backward
from cnnpy.reference.batch_norm import batch_norm_forward

__all__ = ["batch_norm_backward", "batch_norm_forward"]


def batch_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back, one factor wrong."""
    x_hat, inv_std, gamma, beta, train = cache
    dx, dgamma, dbeta = right_backward(dout, cache)
    if not train or not len(dout):
        return dx, dgamma, dbeta
    column = (1, -1, *(1,) * (dout.ndim - 2))
    others = (0, *range(2, dout.ndim))
    dx_hat = dout if gamma is None else dout * gamma.reshape(column)
    mean = dx_hat.sum(axis=others, keepdims=True)
    slope = (dx_hat * x_hat).sum(axis=others, keepdims=True)
    dx = inv_std.reshape(column) * (dx_hat - mean - x_hat * slope)
    return np.asarray(dx, dtype=dout.dtype), dgamma, dbeta
