"""batch_norm: each channel standardised over the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.backends.numpy.standardize import standardize, standardize_backward
from cnnpy.contract.dtypes import FloatArray

__all__ = ["batch_norm_backward", "batch_norm_forward"]


def batch_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    running_mean: FloatArray | None,
    running_var: FloatArray | None,
    train: bool,
    momentum: float,
    eps: float,
) -> tuple[FloatArray, Any]:
    """Bring each channel to mean beta and spread gamma."""
    axes = (0, *range(2, x.ndim))
    column = (1, -1, *(1,) * (x.ndim - 2))
    if train:
        x_hat, inv_std, mean, var = standardize(x, axes, eps)
        m = x.size // max(x.shape[1], 1)
        if m:
            _follow(running_mean, mean, momentum)
        if m > 1:
            _follow(running_var, var * x.dtype.type(m / (m - 1)), momentum)
    else:
        assert running_mean is not None
        assert running_var is not None
        inv_std = 1 / np.sqrt(running_var.reshape(column) + x.dtype.type(eps))
        x_hat = (x - running_mean.reshape(column)) * inv_std
    out = x_hat.copy() if gamma is None else x_hat * gamma.reshape(column)
    if beta is not None:
        out += beta.reshape(column)
    return out, (x_hat, inv_std, gamma, beta, train)


def batch_norm_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Send the gradient back through the scale, the spread and the mean."""
    x_hat, inv_std, gamma, beta, train = cache
    axes = (0, *range(2, dout.ndim))
    column = (1, -1, *(1,) * (dout.ndim - 2))
    dx = dgamma = dbeta = None
    if gamma is not None and "gamma" in needs:
        dgamma = _sum(dout * x_hat)
    if beta is not None and "beta" in needs:
        dbeta = _sum(dout)
    if "x" in needs:
        dx_hat = dout if gamma is None else dout * gamma.reshape(column)
        dx = standardize_backward(dx_hat, x_hat, inv_std, axes) if train else dx_hat * inv_std
    return dx, dgamma, dbeta


def _follow(running: FloatArray | None, batch: FloatArray, momentum: float) -> None:
    if running is not None:
        running *= 1 - momentum
        running += momentum * batch.reshape(running.shape)


def _sum(values: FloatArray) -> FloatArray:
    total: FloatArray = values.sum(axis=tuple(range(2, values.ndim))).sum(axis=0)
    return total
