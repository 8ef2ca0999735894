"""Channels and pixels of images are mixed up.

Cause: x.reshape(-1, C) cuts (N, C, H, W) into rows of C numbers that are no channels.

Mend: Bring the channels to the end first: x.transpose(0, 2, 3, 1).reshape(-1, C).
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.batch_norm import batch_norm_backward as right_backward
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
    """Bring columns of numbers as they lie to mean beta and spread gamma."""
    rows = x.reshape(-1, x.shape[1])
    out, cache = right_forward(
        rows,
        gamma,
        beta,
        running_mean=running_mean,
        running_var=running_var,
        train=train,
        momentum=momentum,
        eps=eps,
    )
    return out.reshape(x.shape), cache


def batch_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through columns of numbers as they lie."""
    x_hat, *_ = cache
    dx, dgamma, dbeta = right_backward(dout.reshape(x_hat.shape), cache)
    return dx.reshape(dout.shape), dgamma, dbeta
