"""dx is off where there are not as many images as features.

Cause: Sums over the features are divided by N, as batch_norm divides its sums over the batch.

Mend: Divide them by D, the number of features.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.layer_norm import layer_norm_backward as right_backward
from cnnpy.reference.layer_norm import layer_norm_forward

__all__ = ["layer_norm_backward", "layer_norm_forward"]


def layer_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back, its means those of the batch."""
    x_hat, inv_std, gamma, beta, first = cache
    _, dgamma, dbeta = right_backward(dout, cache)
    axes = tuple(range(first, dout.ndim))
    dx_hat = dout if gamma is None else dout * gamma
    n = dout.dtype.type(max(len(dout), 1))
    mean = dx_hat.sum(axis=axes, keepdims=True) / n
    slope = (dx_hat * x_hat).sum(axis=axes, keepdims=True) / n
    dx = inv_std.reshape(mean.shape) * (dx_hat - mean - x_hat * slope)
    return np.asarray(dx, dtype=dout.dtype), dgamma, dbeta
