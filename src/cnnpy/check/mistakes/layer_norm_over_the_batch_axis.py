"""Each feature is normalised over the batch.

Cause: The statistics are taken over axis 0, as in batch_norm.

Mend: Take them over the axes from `axis` to the last: each image for itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["layer_norm_backward", "layer_norm_forward"]


def layer_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    axis: int = -1,
    eps: float = 1e-5,
) -> tuple[FloatArray, Any]:
    """Bring each feature to mean beta and spread gamma over the batch."""
    N = x.dtype.type(max(len(x), 1))
    centred = x - x.sum(axis=0) / N
    inv_std = 1 / np.sqrt((centred**2).sum(axis=0) / N + x.dtype.type(eps))
    x_hat = centred * inv_std
    out = x_hat.copy() if gamma is None else x_hat * gamma
    if beta is not None:
        out = out + beta
    return out, (x_hat, inv_std, gamma, beta, axis % x.ndim)


def layer_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through the batch's statistics."""
    x_hat, inv_std, gamma, beta, first = cache
    images = tuple(range(first))
    N = dout.dtype.type(max(len(dout), 1))
    dgamma = None if gamma is None else (dout * x_hat).sum(axis=images)
    dbeta = None if beta is None else dout.sum(axis=images)
    dx_hat = dout if gamma is None else dout * gamma
    slope = (dx_hat * x_hat).sum(axis=0) / N
    dx = inv_std * (dx_hat - dx_hat.sum(axis=0) / N - x_hat * slope)
    return dx, dgamma, dbeta
