"""Each channel is normalised rightly, and its numbers are put to other channels and pixels.

Cause: Rows of channels, (N*H*W, C), are given the shape (N, C, H, W) at once.

Mend: Reshape to (N, H, W, C) as the rows lie, then transpose: out.transpose(0, 3, 1, 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.batch_norm import batch_norm_backward as right_backward
from cnnpy.reference.batch_norm import batch_norm_forward as right_forward

__all__ = ["OTHER_WAYS", "batch_norm_backward", "batch_norm_forward"]

Mix = Callable[[FloatArray], FloatArray]


def _mixed(a: FloatArray) -> FloatArray:
    """Lay images out as rows of channels, and give the rows the shape of the images."""
    return np.moveaxis(a, 1, -1).reshape(a.shape)


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
    """Bring each channel to mean beta and spread gamma, and mix up what comes of it."""
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
    return (out if x.ndim == 2 else _mixed(out)), cache


def batch_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back, and mix up what comes of it."""
    dx, dgamma, dbeta = right_backward(dout, cache)
    return (dx if dout.ndim == 2 else _mixed(dx)), dgamma, dbeta


def _with(mix: Mix) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(x: Any, gamma: Any, beta: Any, **options: Any) -> tuple[Any, Any]:
        out, cache = right_forward(x, gamma, beta, **options)
        return (out if x.ndim == 2 else mix(out)), (cache, x.shape)

    def backward(dout: Any, cache: Any) -> tuple[Any, Any, Any]:
        inner, shape = cache
        dx, dgamma, dbeta = right_backward(dout.reshape(shape), inner)
        return (dx if dx.ndim == 2 else mix(dx)), dgamma, dbeta

    return forward, backward


OTHER_WAYS = {
    "and turned": _with(lambda a: np.moveaxis(_mixed(a), -1, 1)),
    "columns": _with(lambda a: a.swapaxes(0, 1).reshape(a.shape)),
    "width first": _with(lambda a: a.swapaxes(1, -1).reshape(a.shape)),
}
"""The same with the transpose afterwards; of (C, N*H*W); of (N*W*H, C)."""
