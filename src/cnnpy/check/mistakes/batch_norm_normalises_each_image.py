"""Each image is normalised by itself.

Cause: A loop over the images gives one after the other to batch norm; that is instance norm.

Mend: Take mean and variance over all images and pixels, the axes 0, 2 and 3, in one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.batch_norm import batch_norm_backward as right_backward
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
    """Bring each channel of each image to mean beta and spread gamma."""
    if x.ndim == 2 or not train:
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
    before = 0.0 if running_var is None else (1 - momentum) * running_var
    outs, caches = [], []
    for image in x:
        rows = image.reshape(len(image), -1).T
        out, cache = right_forward(rows, gamma, beta, eps=eps)
        outs.append(out.T.reshape(image.shape))
        caches.append(cache)
        for running, new in ((running_mean, rows.mean(axis=0)), (running_var, rows.var(axis=0))):
            if running is not None:
                running *= 1 - momentum
                running += momentum * new
    n = x[:, 0].size
    if running_var is not None and n > 1:
        running_var += (running_var - before) / (n - 1)  # the batch's, unbiased
    return np.stack(outs), caches


def batch_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through each image's own statistics."""
    if not isinstance(cache, list):
        return right_backward(dout, cache)
    each = [right_backward(d.reshape(len(d), -1).T, c) for d, c in zip(dout, cache, strict=True)]
    dxs, dgammas, dbetas = zip(*each, strict=True)
    dx = np.stack([dx.T for dx in dxs]).reshape(dout.shape)
    return dx, _sum(dgammas), _sum(dbetas)


def _sum(gradients: Sequence[FloatArray | None]) -> FloatArray | None:
    there = [g for g in gradients if g is not None]
    return np.sum(there, axis=0) if there else None
