"""dx of images is off: its means are taken over N, not over all pixels.

Cause: The sums over the batch and the pixels are divided by N alone.

Mend: Divide by N * H * W, the number of values of a channel.
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
    """Send the gradient back, the sums over a channel divided by N."""
    x_hat, inv_std, gamma, _, train = cache
    dx, dgamma, dbeta = right_backward(dout, cache)
    if not train or not len(dout):
        return dx, dgamma, dbeta
    column = (1, -1, *(1,) * (dout.ndim - 2))
    others = (0, *range(2, dout.ndim))
    dx_hat = dout if gamma is None else dout * gamma.reshape(column)
    mean = dx_hat.sum(axis=others, keepdims=True) / len(dout)
    slope = (dx_hat * x_hat).sum(axis=others, keepdims=True) / len(dout)
    dx = inv_std.reshape(column) * (dx_hat - mean - x_hat * slope)
    return np.asarray(dx, dtype=dout.dtype), dgamma, dbeta
