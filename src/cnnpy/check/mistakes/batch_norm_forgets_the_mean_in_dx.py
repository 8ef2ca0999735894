"""dx is without the term of the mean.

Cause: Every value moves the mean of its channel; the gradient by that way is left out.

Mend: Take it away: inv_std * (dx_hat - mean(dx_hat) - x_hat * mean(dx_hat * x_hat)).
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
    """Send the gradient back, but not through the mean."""
    x_hat, inv_std, gamma, beta, train = cache
    dx, dgamma, dbeta = right_backward(dout, cache)
    if not train or not len(dout):
        return dx, dgamma, dbeta
    column = (1, -1, *(1,) * (dout.ndim - 2))
    others = (0, *range(2, dout.ndim))
    dx_hat = dout if gamma is None else dout * gamma.reshape(column)

    slope = (dx_hat * x_hat).mean(axis=others, keepdims=True)
    return np.asarray(inv_std.reshape(column) * (dx_hat - x_hat * slope)), dgamma, dbeta
