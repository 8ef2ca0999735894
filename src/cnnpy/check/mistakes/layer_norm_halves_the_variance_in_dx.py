"""dx is off: half of what the variance sends back is missing.

Cause: The 2 is missing: the slope of (x - mean)**2 is 2 * (x - mean).

Mend: Add dvar * 2 * (x - mean) / N.
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
    """Send the gradient back, one factor wrong."""
    x_hat, inv_std, gamma, beta, first = cache
    _, dgamma, dbeta = right_backward(dout, cache)
    axes = tuple(range(first, dout.ndim))
    dx_hat = dout if gamma is None else dout * gamma
    mean = dx_hat.mean(axis=axes, keepdims=True)
    slope = 0.5 * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    dx = inv_std.reshape(mean.shape) * (dx_hat - mean - x_hat * slope)
    return np.asarray(dx, dtype=dout.dtype), dgamma, dbeta
