"""The channels of images share their running statistics.

Cause: A loop gives channel after channel to batch norm with one dictionary, and each updates the
statistics of all.

Mend: Normalise all channels in one call: x.transpose(0, 2, 3, 1).reshape(-1, C).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.batch_norm import batch_norm_backward
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
    """Bring each channel to mean beta and spread gamma, all running statistics updated by each."""
    if x.ndim == 2:
        return right_forward(
            x,
            gamma,
            beta,
            running_mean=running_mean,
            running_var=running_var,
            train=train,
            momentum=momentum,
            eps=eps,
        )
    if not train:
        return _in_inference(x, gamma, beta, running_mean, running_var, eps)
    found = right_forward(x, gamma, beta, eps=eps)
    before = 0.0 if running_var is None else (1 - momentum) * running_var
    for values in x.swapaxes(0, 1):
        for running, new in ((running_mean, values.mean()), (running_var, values.var())):
            if running is not None:
                running *= 1 - momentum
                running += momentum * new
    n = x[:, 0].size
    if running_var is not None and n > 1:
        running_var += (running_var - before) / (n - 1)  # the batch's, unbiased
    return found


def _in_inference(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    running_mean: FloatArray | None,
    running_var: FloatArray | None,
    eps: float,
) -> tuple[FloatArray, Any]:
    """Give each channel to all running statistics at once: it fits where there is one channel."""
    N, C, *pixels = x.shape
    out = np.empty(x.shape, dtype=x.dtype)
    cache = None
    for c in range(C):
        rows = np.broadcast_to(x[:, c].reshape(-1, 1), (x[:, c].size, C))
        each, cache = right_forward(
            rows,
            None if gamma is None else np.repeat(gamma[c], C),
            None if beta is None else np.repeat(beta[c], C),
            running_mean=running_mean,
            running_var=running_var,
            train=False,
            eps=eps,
        )
        out[:, c] = each.reshape(N, *pixels)
    return out, cache
