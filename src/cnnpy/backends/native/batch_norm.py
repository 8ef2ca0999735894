"""batch_norm by the compiled kernels: four passes over channels-last memory.

The batch is one matrix of all pixels by C channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.backends.native import _native, norms
from cnnpy.backends.native.engine import empty
from cnnpy.backends.native.layout import in_order, shaped
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
    is_images = x.ndim == 4
    rows = in_order(x, is_images)
    C = x.shape[1]
    if train:
        mean, var = norms.statistics(rows, 1)
        m = x.size // max(C, 1)
        if m:
            norms.follow(running_mean, mean, momentum)
        if m > 1:
            norms.follow(running_var, var * (m / (m - 1)), momentum)
    else:
        assert running_mean is not None
        assert running_var is not None
        mean = running_mean.reshape(1, C).astype(np.float64)
        var = running_var.reshape(1, C).astype(np.float64)
    inv_std = 1 / np.sqrt(var + eps)
    out = norms.apply(rows, mean, inv_std, gamma, beta)
    kept = rows, mean.astype(x.dtype), inv_std, gamma, beta is not None, train, is_images
    return shaped(out, is_images), kept


def batch_norm_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Send the gradient back through the scale, the spread and the mean."""
    rows, mean, inv_std, gamma, has_beta, train, is_images = cache
    gradient = in_order(dout, is_images)
    dx = dgamma = dbeta = None
    wants_dgamma = gamma is not None and "gamma" in needs
    wants_dbeta = has_beta and "beta" in needs
    sums = products = np.zeros(mean.shape)
    if wants_dgamma or wants_dbeta or (train and "x" in needs):
        sums, products = norms.gradient_sums(gradient, rows, mean, inv_std)
    if wants_dgamma:
        dgamma = products[0].astype(dout.dtype)
    if wants_dbeta:
        dbeta = sums[0].astype(dout.dtype)
    if "x" in needs:
        if not norms.is_finite(gamma):
            gradient, gamma = gradient * gamma, None
            sums, products = norms.gradient_sums(gradient, rows, mean, inv_std)
        if train:
            factors = norms.gradient_factors(inv_std, gamma, sums, products, rows)
            dx = norms.input_gradient(gradient, rows, mean, *factors)
        else:
            scale = (inv_std if gamma is None else inv_std * gamma).astype(dout.dtype)
            dx = empty(rows.shape, dout.dtype)
            _native.batch_norm_apply(gradient, scale, np.zeros_like(scale), None, False, dx)
        dx = shaped(dx, is_images)
    return dx, dgamma, dbeta
