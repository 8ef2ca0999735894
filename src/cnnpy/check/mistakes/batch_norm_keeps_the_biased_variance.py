"""running_var is too small.

Cause: The variance with n is kept for inference, where an estimate is wanted.

Mend: Keep the unbiased one: var * n / (n - 1), as PyTorch does.
"""

from __future__ import annotations

from typing import Any

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
    """Bring each channel to mean beta and spread gamma, and keep the biased variance."""
    before = None if running_var is None else running_var.copy()
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
    m = x.size // max(x.shape[1], 1)
    if train and running_var is not None and before is not None and m > 1:
        old = (1 - momentum) * before
        running_var[...] = old + (running_var - old) * (m - 1) / m
    return out, cache
