"""The answer to one image depends on the others in the batch.

Cause: Mean and variance of a group are taken over the images too, as in batch_norm.

Mend: Take them over the channels of a group and its pixels, for each image.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["group_norm_backward", "group_norm_forward"]


def group_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    groups: int,
    eps: float = 1e-5,
) -> tuple[FloatArray, Any]:
    """Bring each group over the batch to mean beta and spread gamma."""
    column = (-1, *(1,) * (x.ndim - 2))
    parts = _parts(x, groups)
    centred = parts - parts.mean(axis=(0, 2, 3), keepdims=True)
    inv_std = 1 / np.sqrt((centred**2).mean(axis=(0, 2, 3), keepdims=True) + x.dtype.type(eps))
    x_hat = (centred * inv_std).reshape(x.shape)
    out = x_hat.copy() if gamma is None else x_hat * gamma.reshape(column)
    if beta is not None:
        out = out + beta.reshape(column)
    return out, (x_hat, inv_std, gamma, beta, groups)


def group_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through these means and spreads."""
    x_hat, inv_std, gamma, beta, groups = cache
    column, pixels = (-1, *(1,) * (dout.ndim - 2)), tuple(range(2, dout.ndim))
    dgamma = None if gamma is None else (dout * x_hat).sum(axis=(0, *pixels))
    dbeta = None if beta is None else dout.sum(axis=(0, *pixels))
    dx_hat = _parts(dout if gamma is None else dout * gamma.reshape(column), groups)
    hat = _parts(x_hat, groups)
    mean = dx_hat.mean(axis=(0, 2, 3), keepdims=True)
    slope = (dx_hat * hat).mean(axis=(0, 2, 3), keepdims=True)
    dx = inv_std * (dx_hat - mean - hat * slope)
    return np.asarray(dx).reshape(dout.shape), dgamma, dbeta


def _parts(a: FloatArray, groups: int) -> FloatArray:
    """Give the groups, the channels of each, and their pixels an axis each."""
    return a.reshape(a.shape[0], groups, a.shape[1] // groups, -1)
