"""Channels, pixels and images are mixed up in the groups.

Cause: x.reshape(-1, N * G) cuts (N, C, H, W) into columns of numbers that are no groups.

Mend: Give each group a row, x.reshape(N * G, -1), and take the means along it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["OTHER_WAYS", "group_norm_backward", "group_norm_forward"]


def group_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    groups: int,
    eps: float = 1e-5,
) -> tuple[FloatArray, Any]:
    """Bring columns of numbers as they lie to mean 0 and spread 1."""
    columns = x.reshape(-1, len(x) * groups)
    centred = columns - columns.mean(axis=0)
    inv_std = 1 / np.sqrt((centred**2).mean(axis=0) + x.dtype.type(eps))
    x_hat = (centred * inv_std).reshape(x.shape)
    column = (-1, *(1,) * (x.ndim - 2))
    out = x_hat.copy() if gamma is None else x_hat * gamma.reshape(column)
    if beta is not None:
        out = out + beta.reshape(column)
    return out, (x_hat, inv_std, gamma, beta, groups)


def group_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through columns of numbers as they lie."""
    x_hat, inv_std, gamma, beta, groups = cache
    column, pixels = (-1, *(1,) * (dout.ndim - 2)), tuple(range(2, dout.ndim))
    dgamma = None if gamma is None else (dout * x_hat).sum(axis=(0, *pixels))
    dbeta = None if beta is None else dout.sum(axis=(0, *pixels))
    dx_hat = dout if gamma is None else dout * gamma.reshape(column)
    dcolumns, columns = (a.reshape(-1, len(dout) * groups) for a in (dx_hat, x_hat))
    mean, slope = dcolumns.mean(axis=0), (dcolumns * columns).mean(axis=0)
    dx = inv_std * (dcolumns - mean - columns * slope)
    return np.asarray(dx).reshape(dout.shape), dgamma, dbeta


def _turned(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    groups: int,
    eps: float = 1e-5,
) -> tuple[FloatArray, Any]:
    columns = x.reshape(len(x) * groups, -1).T
    centred = columns - columns.mean(axis=0)
    inv_std = 1 / np.sqrt((centred**2).mean(axis=0) + x.dtype.type(eps))
    x_hat = (centred * inv_std).reshape(x.shape)
    column = (-1, *(1,) * (x.ndim - 2))
    out = x_hat.copy() if gamma is None else x_hat * gamma.reshape(column)
    if beta is not None:
        out = out + beta.reshape(column)
    return out, (x_hat, inv_std, gamma, beta, groups)


def _turned_back(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    x_hat, inv_std, gamma, beta, groups = cache
    column, pixels = (-1, *(1,) * (dout.ndim - 2)), tuple(range(2, dout.ndim))
    dgamma = None if gamma is None else (dout * x_hat).sum(axis=(0, *pixels))
    dbeta = None if beta is None else dout.sum(axis=(0, *pixels))
    dx_hat = dout if gamma is None else dout * gamma.reshape(column)
    dcolumns, columns = (a.reshape(len(dout) * groups, -1).T for a in (dx_hat, x_hat))
    mean, slope = dcolumns.mean(axis=0), (dcolumns * columns).mean(axis=0)
    dx = inv_std * (dcolumns - mean - columns * slope)
    return np.asarray(dx).T.reshape(dout.shape), dgamma, dbeta


OTHER_WAYS = {"turned once": (_turned, _turned_back)}
"""The same with groups as columns, x.reshape(N * G, -1).T, that are not turned back in x_hat."""
