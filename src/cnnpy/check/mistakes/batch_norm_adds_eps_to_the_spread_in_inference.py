"""In inference eps stands outside of the root.

Cause: With train=False the values are divided by sqrt(running_var) + eps.

Mend: Divide by sqrt(running_var + eps), as in training.
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
    """Bring each channel to mean beta, eps added to the spread in inference."""
    if train or running_mean is None or running_var is None:
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
    spread = (np.sqrt(running_var) + eps) ** 2 - eps
    return right_forward(
        x,
        gamma,
        beta,
        running_mean=running_mean,
        running_var=spread.astype(x.dtype),
        train=False,
        eps=eps,
    )
