"""group_norm: the definition.

As batch_norm, but over groups of channels of one image instead of one channel of
all images; so it does not depend on the batch, and needs no running statistics.

Wu, He: Group normalization. ECCV 2018.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract import shapes
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
    """Bring groups of each image's channels to mean beta and spread gamma.

    Parameters
    ----------
    x : ndarray of shape (N, C) or (N, C, H, W)
        Features or images.
    gamma, beta : ndarray of shape (C,) or None
        Scale and shift; 1 and 0 where left out.
    groups : int
        How many groups C is cut into.
    eps : float
        Added to the variance.

    Returns
    -------
    out : ndarray of the shape of x
        The normalised values.
    cache : tuple
        What `group_norm_backward` needs.
    """
    shapes.group_norm(x.shape, None, None, groups=groups, eps=eps)
    N, C = x.shape[:2]
    size = C // groups
    out = np.empty(x.shape, dtype=x.dtype)
    x_hat = np.empty(x.shape, dtype=x.dtype)
    inv_std = np.empty((N, groups), dtype=x.dtype)
    for n in range(N):
        for g in range(groups):
            channels = slice(g * size, (g + 1) * size)
            values = x[n, channels]
            mean = np.sum(values) / values.size
            var = np.sum((values - mean) ** 2) / values.size
            inv_std[n, g] = 1 / np.sqrt(var + eps)
            x_hat[n, channels] = (values - mean) * inv_std[n, g]
        for c in range(C):
            out[n, c] = x_hat[n, c]
            if gamma is not None:
                out[n, c] *= gamma[c]
            if beta is not None:
                out[n, c] += beta[c]
    return out, (x_hat, inv_std, gamma, beta, groups)


def group_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through the scale, the spread and the mean.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : tuple
        From `group_norm_forward`.

    Returns
    -------
    dx : ndarray of the shape of x
        Gradient of the values.
    dgamma, dbeta : ndarray of shape (C,) or None
        Gradients of scale and shift; None where they were left out.
    """
    x_hat, inv_std, gamma, beta, groups = cache
    N, C = dout.shape[:2]
    size = C // groups
    dx = np.empty(dout.shape, dtype=dout.dtype)
    dx_hat = np.empty(dout.shape, dtype=dout.dtype)
    dgamma = None if gamma is None else np.zeros(C, dtype=dout.dtype)
    dbeta = None if beta is None else np.zeros(C, dtype=dout.dtype)
    for n in range(N):
        for c in range(C):
            if dgamma is not None:
                dgamma[c] += np.sum(dout[n, c] * x_hat[n, c])
            if dbeta is not None:
                dbeta[c] += np.sum(dout[n, c])
            dx_hat[n, c] = dout[n, c] if gamma is None else dout[n, c] * gamma[c]
        for g in range(groups):
            channels = slice(g * size, (g + 1) * size)
            values, dvalues = x_hat[n, channels], dx_hat[n, channels]
            mean = np.sum(dvalues) / values.size
            slope = np.sum(dvalues * values) / values.size
            dx[n, channels] = inv_std[n, g] * (dvalues - mean - values * slope)
    return dx, dgamma, dbeta
