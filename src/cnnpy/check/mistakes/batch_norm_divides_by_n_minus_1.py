"""The values are normalised with the unbiased variance.

Cause: var is computed with ddof=1, as in statistics; n - 1 belongs to running_var alone.

Mend: Divide by n: x.var(axis=0), which has ddof=0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.batch_norm import batch_norm_backward
from cnnpy.reference.batch_norm import batch_norm_forward as right_forward

__all__ = ["batch_norm_backward", "batch_norm_forward"]


def batch_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    running_mean: FloatArray | None = None,
    running_var: FloatArray | None = None,
    train: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[FloatArray, Any]:
    """Bring each channel to mean beta and a spread with n - 1."""
    out, (x_hat, inv_std, *others) = right_forward(
        x,
        None,
        None,
        running_mean=running_mean,
        running_var=running_var,
        train=train,
        momentum=momentum,
        eps=eps,
    )
    m = x.size // max(x.shape[1], 1)
    if train and m > 1:
        var = (1 / inv_std**2 - eps) * m / (m - 1)
        unbiased = (1 / np.sqrt(var + eps)).astype(x.dtype)
        column = (1, -1, *(1,) * (x.ndim - 2))
        x_hat, inv_std = x_hat * (unbiased / inv_std).reshape(column), unbiased
    out = _scale(x_hat, gamma, beta)
    return out, (x_hat, inv_std, gamma, beta, train)


def _scale(x_hat: FloatArray, gamma: FloatArray | None, beta: FloatArray | None) -> FloatArray:
    column = (1, -1, *(1,) * (x_hat.ndim - 2))
    out = x_hat.copy() if gamma is None else x_hat * gamma.reshape(column)
    return out if beta is None else out + beta.reshape(column)
