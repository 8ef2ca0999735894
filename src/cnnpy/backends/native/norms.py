"""What batch_norm and group_norm share: passes over channels-last rows, factors per channel.

What stands for each channel is (images, C): of one image, the whole batch, for
batch_norm, and of each image for group_norm. It is float64 until it meets the entries.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import empty
from cnnpy.contract.dtypes import FloatArray

__all__ = [
    "NO_RELU",
    "Relu",
    "apply",
    "factors",
    "follow",
    "gradient_factors",
    "gradient_sums",
    "input_gradient",
    "is_finite",
    "per_channel",
    "statistics",
]

PerChannel = NDArray[np.float64]


def statistics(rows: FloatArray, images: int) -> tuple[PerChannel, PerChannel]:
    """Return the mean and the variance of each channel of each image."""
    mean, var = np.empty((images, rows.shape[-1])), np.empty((images, rows.shape[-1]))
    _native.batch_statistics(rows, mean, var)
    return mean, var


def per_channel(channels: int) -> PerChannel:
    """Make room for what stands for each channel of the whole batch."""
    return np.empty((1, channels))


def is_finite(gamma: FloatArray | None) -> bool:
    """Tell whether gamma may be multiplied into other factors, where inf·0 would show late."""
    return gamma is None or bool(np.isfinite(gamma).all())


def apply(
    rows: FloatArray,
    mean: PerChannel,
    inv_std: PerChannel,
    gamma: FloatArray | None,
    beta: FloatArray | None,
) -> FloatArray:
    """Return (rows - mean) * inv_std * gamma + beta."""
    out: FloatArray = empty(rows.shape, rows.dtype)
    if gamma is None or is_finite(gamma):
        scale, shift = factors(mean, inv_std, gamma, beta, rows.dtype)
        _native.batch_norm_apply(rows, scale, shift, None, False, out)
    else:
        out[...] = apply(rows, mean, inv_std, None, None) * gamma
        if beta is not None:
            out += beta
    return out


def factors(
    mean: PerChannel,
    inv_std: PerChannel,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    dtype: np.dtype[np.floating],
) -> tuple[FloatArray, FloatArray]:
    """Return scale and shift: out = x * scale + shift."""
    scale = (inv_std if gamma is None else inv_std * gamma).astype(dtype)
    shift = -mean * scale if beta is None else beta - mean * scale
    return scale, shift.astype(dtype)


def follow(running: FloatArray | None, batch: PerChannel, momentum: float) -> None:
    """Move a running statistic towards that of the batch, in place."""
    if running is not None:
        running *= 1 - momentum
        running += momentum * batch.reshape(running.shape)


class Relu(NamedTuple):
    """Where the ReLU behind a norm lets gradients through; nothing where there is none."""

    scale: FloatArray | None = None
    """With `shift`: where rows * scale + shift is positive."""
    shift: FloatArray | None = None
    out: FloatArray | None = None
    """Or where this output is."""
    ceiling: float = math.nan
    """And where it lies below that; NaN where there is none."""


NO_RELU = Relu()


def gradient_sums(
    gradient: FloatArray,
    rows: FloatArray,
    mean: FloatArray,
    inv_std: PerChannel,
    relu: Relu = NO_RELU,
) -> tuple[PerChannel, PerChannel]:
    """Return the sums of the gradient and of its products with x_hat."""
    sums, products = np.empty(mean.shape), np.empty(mean.shape)
    scale, shift, out, ceiling = relu
    _native.batch_norm_backward_sums(
        gradient, rows, mean, scale, shift, out, sums, products, ceiling
    )
    products *= inv_std
    return sums, products


def gradient_factors(
    inv_std: PerChannel,
    gamma: FloatArray | None,
    sums: PerChannel,
    products: PerChannel,
    rows: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a, b and c of batch_norm's input gradient: a * gradient + b * (rows - mean) + c.

    That is a * (gradient - mean(gradient) - x_hat * mean(gradient * x_hat)).
    """
    m = max(rows.size // max(rows.shape[-1], 1), 1)
    a = inv_std if gamma is None else inv_std * gamma
    b, c = a * inv_std * products / -m, a * sums / -m
    return a.astype(rows.dtype), b.astype(rows.dtype), c.astype(rows.dtype)


def input_gradient(
    gradient: FloatArray,
    rows: FloatArray,
    mean: FloatArray,
    a: FloatArray,
    b: FloatArray,
    c: FloatArray,
    relu: Relu = NO_RELU,
    dresidual: FloatArray | None = None,
) -> FloatArray:
    """Return a * gradient + b * (rows - mean) + c.

    `dresidual` receives the gradient that the ReLU let through.
    """
    dx: FloatArray = empty(rows.shape, rows.dtype)
    a_, b_, c_ = (np.ascontiguousarray(factor, dtype=rows.dtype) for factor in (a, b, c))
    scale, shift, out, ceiling = relu
    _native.batch_norm_backward_apply(
        gradient, rows, mean, a_, b_, c_, scale, shift, out, dx, dresidual, ceiling
    )
    return dx
