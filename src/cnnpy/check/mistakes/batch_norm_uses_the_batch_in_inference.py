"""The answer to one image depends on the others in the batch.

Cause: train=False is not looked at, or the running statistics are kept and never used.

Mend: With train=False normalise by running_mean and running_var.
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
    """Bring each channel to mean beta and spread gamma over the batch, always."""
    if train:
        return right_forward(
            x,
            gamma,
            beta,
            running_mean=running_mean,
            running_var=running_var,
            train=train,
            momentum=momentum,
            eps=eps,
        )
    return right_forward(x, gamma, beta, eps=eps)
