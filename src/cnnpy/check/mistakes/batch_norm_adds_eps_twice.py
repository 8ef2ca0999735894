"""eps is added to the variance twice in training.

Cause: The line that makes the variance adds it, var = x.var(...) + eps, and so does the root.

Mend: Add it once: np.sqrt(var + eps), with var the variance alone.
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
    """Bring each channel to mean beta, with eps added twice."""
    return right_forward(
        x,
        gamma,
        beta,
        running_mean=running_mean,
        running_var=running_var,
        train=train,
        momentum=momentum,
        eps=2 * eps if train else eps,
    )
