"""batch_norm: the definition.

For each channel c, over the m values of its column (N·H·W of them for images):

mean = 1/m Σ x,   var = 1/m Σ (x - mean)²,   x̂ = (x - mean) / √(var + eps)
out = gamma[c]·x̂ + beta[c]

In training the running statistics follow, the new batch with the weight
`momentum` and the variance unbiased (m - 1), as in PyTorch; in inference they
stand in for the batch's own.

Ioffe, Szegedy: Batch normalization. ICML 2015.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

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
    """Bring each channel to mean beta and spread gamma.

    Parameters
    ----------
    x : ndarray of shape (N, C) or (N, C, H, W)
        Features or images.
    gamma, beta : ndarray of shape (C,) or None
        Scale and shift; 1 and 0 where left out.
    running_mean, running_var : ndarray of shape (C,) or None
        Updated in place when `train`, read otherwise.
    train : bool
        Whether to use the batch's own statistics.
    momentum : float
        Weight of the new batch in the running statistics.
    eps : float
        Added to the variance.

    Returns
    -------
    out : ndarray of the shape of x
        The normalised values.
    cache : tuple
        What `batch_norm_backward` needs.
    """
    C = x.shape[1]
    m = x[:, 0].size if C else 0
    out = np.empty(x.shape, dtype=x.dtype)
    x_hat = np.empty(x.shape, dtype=x.dtype)
    inv_std = np.ones(C, dtype=x.dtype)
    for c in range(C):
        if m == 0:
            continue
        if train:
            mean = np.sum(x[:, c]) / m
            var = np.sum((x[:, c] - mean) ** 2) / m
            if running_mean is not None:
                running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean
            if running_var is not None:
                running_var[c] = (1 - momentum) * running_var[c] + momentum * var * m / (m - 1)
        else:
            assert running_mean is not None
            assert running_var is not None
            mean, var = running_mean[c], running_var[c]
        inv_std[c] = 1 / np.sqrt(var + eps)
        x_hat[:, c] = (x[:, c] - mean) * inv_std[c]
        out[:, c] = x_hat[:, c]
        if gamma is not None:
            out[:, c] *= gamma[c]
        if beta is not None:
            out[:, c] += beta[c]
    return out, (x_hat, inv_std, gamma, beta, train)


def batch_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through the scale, the spread and the mean.

    In training every value moved the mean and the variance of its channel too:

    ``dx = inv_std * (dx_hat - mean(dx_hat) - x_hat * mean(dx_hat * x_hat))``

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : tuple
        From `batch_norm_forward`.

    Returns
    -------
    dx : ndarray of the shape of x
        Gradient of the values.
    dgamma, dbeta : ndarray of shape (C,) or None
        Gradients of scale and shift; None where they were left out.
    """
    x_hat, inv_std, gamma, beta, train = cache
    C = dout.shape[1]
    m = dout[:, 0].size if C else 0
    dx = np.empty(dout.shape, dtype=dout.dtype)
    dgamma = None if gamma is None else np.zeros(C, dtype=dout.dtype)
    dbeta = None if beta is None else np.zeros(C, dtype=dout.dtype)
    for c in range(C):
        if dgamma is not None:
            dgamma[c] = np.sum(dout[:, c] * x_hat[:, c])
        if dbeta is not None:
            dbeta[c] = np.sum(dout[:, c])
        dx_hat = dout[:, c] if gamma is None else dout[:, c] * gamma[c]
        if train and m:
            mean = np.sum(dx_hat) / m
            slope = np.sum(dx_hat * x_hat[:, c]) / m
            dx_hat = dx_hat - mean - x_hat[:, c] * slope
        dx[:, c] = inv_std[c] * dx_hat
    return dx, dgamma, dbeta
