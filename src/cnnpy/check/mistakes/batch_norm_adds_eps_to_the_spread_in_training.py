"""In training eps stands outside of the root.

Cause: With train=True the values are divided by sqrt(var) + eps.

Mend: Divide by sqrt(var + eps), as in inference.
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
    """Bring each channel to mean beta, eps added to the spread in training."""
    out, cache = right_forward(
        x,
        gamma,
        beta,
        running_mean=running_mean,
        running_var=running_var,
        train=train,
        momentum=momentum,
        eps=eps,
    )
    if not train:
        return out, cache
    x_hat, inv_std, *others = cache
    spread = (1 / (np.sqrt(np.maximum(1 / inv_std**2 - eps, 0)) + eps)).astype(x.dtype)
    column = (1, -1, *(1,) * (x.ndim - 2))
    x_hat = x_hat * (spread / inv_std).reshape(column)
    out = x_hat.copy() if gamma is None else x_hat * gamma.reshape(column)
    if beta is not None:
        out += beta.reshape(column)
    return out, (x_hat, spread, *others)
