"""The eps that is given is not used: it is 1e-5 always.

Cause: It is written into the formula, or asked for under another name, and its default comes.

Mend: Take it from the caller: eps = bn_param.get("eps", 1e-5).
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
    """Bring each channel to mean beta and spread gamma, with an eps of its own."""
    return right_forward(
        x,
        gamma,
        beta,
        running_mean=running_mean,
        running_var=running_var,
        train=train,
        momentum=momentum,
        eps=1e-5,
    )
