"""Mean 0 and variance 1 along some axes, both ways: what the three norms share.

Sums run over the pixels first and over the images and channels after, which keeps
the rounding of long float32 sums small.
"""

from __future__ import annotations

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["mean_over", "standardize", "standardize_backward"]

Axes = tuple[int, ...]


def mean_over(x: FloatArray, axes: Axes) -> FloatArray:
    """Average over `axes`, kept as axes of one entry."""
    total = x
    for group in (axes[-2:], axes[:-2]):
        if group:
            total = total.sum(axis=group, keepdims=True)
    count = int(np.prod([x.shape[a] for a in axes]))
    return total / x.dtype.type(max(count, 1))


def standardize(x: FloatArray, axes: Axes, eps: float) -> tuple[FloatArray, ...]:
    """Return x brought to mean 0 and variance 1, and 1/std, the mean and the variance."""
    mean = mean_over(x, axes)
    x_hat = x - mean
    var = mean_over(np.square(x_hat), axes)
    inv_std = 1 / np.sqrt(var + x.dtype.type(eps))
    x_hat *= inv_std
    return x_hat, inv_std, mean, var


def standardize_backward(
    dx_hat: FloatArray, x_hat: FloatArray, inv_std: FloatArray, axes: Axes
) -> FloatArray:
    """Take away what moving the mean and the variance did, and undo the scale."""
    dx = dx_hat - mean_over(dx_hat, axes)
    dx -= x_hat * mean_over(dx_hat * x_hat, axes)
    dx *= inv_std
    return dx
