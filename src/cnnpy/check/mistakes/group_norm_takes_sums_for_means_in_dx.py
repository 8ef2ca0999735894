"""dx is off: sums stand in it where means are meant.

Cause: What mean and variance send back is not divided by how many values they are made of.

Mend: Divide both sums by the number of values of a group.
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
    mean = dparts.sum(axis=2, keepdims=True)
    slope = (dparts * parts).sum(axis=2, keepdims=True)
    dx = inv_std[..., None] * (dparts - mean - parts * slope)
    return np.asarray(dx, dtype=dout.dtype).reshape(dout.shape), dgamma, dbeta
