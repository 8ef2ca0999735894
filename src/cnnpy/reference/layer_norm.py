"""layer_norm: the definition.

As batch_norm, but each image is normalised for itself, over its last axes, and
gamma and beta have one entry for each normalised entry:

out[n] = gamma·(x[n] - mean) / √(var + eps) + beta

Ba, Kiros, Hinton: Layer normalization. arXiv:1607.06450, 2016.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cnnpy.contract import shapes
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
    """Bring the last axes of each image to mean beta and spread gamma.

    Parameters
    ----------
    x : ndarray of shape (N, ...)
        Features or images.
    gamma, beta : ndarray of shape ``x.shape[axis:]`` or None
        Scale and shift; 1 and 0 where left out.
    axis : int
        The first of the axes that are normalised together.
    eps : float
        Added to the variance.

    Returns
    -------
    out : ndarray of the shape of x
        The normalised values.
    cache : tuple
        What `layer_norm_backward` needs.
    """
    shapes.layer_norm(x.shape, None, None, axis=axis, eps=eps)
    first = axis % x.ndim
    m = math.prod(x.shape[first:])
    out = np.empty(x.shape, dtype=x.dtype)
    x_hat = np.empty(x.shape, dtype=x.dtype)
    inv_std = np.empty(x.shape[:first], dtype=x.dtype)
    for n in np.ndindex(x.shape[:first]):
        mean = np.sum(x[n]) / m
        var = np.sum((x[n] - mean) ** 2) / m
        inv_std[n] = 1 / np.sqrt(var + eps)
        x_hat[n] = (x[n] - mean) * inv_std[n]
        out[n] = x_hat[n]
        if gamma is not None:
            out[n] *= gamma
        if beta is not None:
            out[n] += beta
    return out, (x_hat, inv_std, gamma, beta, first)


def layer_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through the scale, the spread and the mean.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : tuple
        From `layer_norm_forward`.

    Returns
    -------
    dx : ndarray of the shape of x
        Gradient of the values.
    dgamma, dbeta : ndarray of shape ``x.shape[axis:]`` or None
        Gradients of scale and shift; None where they were left out.
    """
    x_hat, inv_std, gamma, beta, first = cache
    m = math.prod(dout.shape[first:])
    dx = np.empty(dout.shape, dtype=dout.dtype)
    dgamma = None if gamma is None else np.zeros(gamma.shape, dtype=dout.dtype)
    dbeta = None if beta is None else np.zeros(beta.shape, dtype=dout.dtype)
    for n in np.ndindex(dout.shape[:first]):
        if dgamma is not None:
            dgamma += dout[n] * x_hat[n]
        if dbeta is not None:
            dbeta += dout[n]
        dx_hat = dout[n] if gamma is None else dout[n] * gamma
        mean = np.sum(dx_hat) / m
        slope = np.sum(dx_hat * x_hat[n]) / m
        dx[n] = inv_std[n] * (dx_hat - mean - x_hat[n] * slope)
    return dx, dgamma, dbeta
