"""dx is off: what the variance sends back counts twice.

Cause: The 1/2 is missing: the slope of (var + eps)**-0.5 is -0.5 * (var + eps)**-1.5.

Mend: Multiply dvar by 0.5.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.group_norm import group_norm_backward as right_backward
from cnnpy.reference.group_norm import group_norm_forward

__all__ = ["group_norm_backward", "group_norm_forward"]


def group_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back, one factor wrong."""
    x_hat, inv_std, gamma, beta, groups = cache
    _, dgamma, dbeta = right_backward(dout, cache)
    column = (-1, *(1,) * (dout.ndim - 2))
    dx_hat = dout if gamma is None else dout * gamma.reshape(column)
    dparts, parts = (a.reshape(*inv_std.shape, -1) for a in (dx_hat, x_hat))
    mean = dparts.mean(axis=2, keepdims=True)
    slope = 2 * (dparts * parts).mean(axis=2, keepdims=True)
    dx = inv_std[..., None] * (dparts - mean - parts * slope)
    return np.asarray(dx, dtype=dout.dtype).reshape(dout.shape), dgamma, dbeta
