"""Channels and pixels of images are mixed up.

Cause: x.transpose(1, 0, 2, 3) brings the channels to the front; reshape(-1, C) cuts it into rows
as if they were at the end.

Mend: Bring the channels to the end: x.transpose(0, 2, 3, 1).reshape(-1, C).
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
    """Bring columns of channel after channel to mean beta and spread gamma."""
    turned = x.swapaxes(0, 1)
    out, cache = right_forward(
        x if x.ndim == 2 else turned.reshape(-1, x.shape[1]),
        gamma,
        beta,
        running_mean=running_mean,
        running_var=running_var,
        train=train,
        momentum=momentum,
        eps=eps,
    )
    return out if x.ndim == 2 else out.reshape(turned.shape).swapaxes(0, 1), cache


def batch_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through columns of channel after channel."""
    if dout.ndim == 2:
        return right_backward(dout, cache)
    x_hat, *_ = cache
    turned = dout.swapaxes(0, 1)
    dx, dgamma, dbeta = right_backward(turned.reshape(x_hat.shape), cache)
    return dx.reshape(turned.shape).swapaxes(0, 1), dgamma, dbeta
