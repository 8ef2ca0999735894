"""group_norm by the compiled kernels: batch_norm's passes over each image by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.backends.native import norms
from cnnpy.backends.native.layout import in_order, shaped
from cnnpy.backends.native.norms import PerChannel
from cnnpy.contract.dtypes import FloatArray

__all__ = ["group_norm_backward", "group_norm_forward"]


def group_norm_forward(
    x: FloatArray, gamma: FloatArray | None, beta: FloatArray | None, *, groups: int, eps: float
) -> tuple[FloatArray, Any]:
    """Bring groups of each image's channels to mean beta and spread gamma."""
    is_images = x.ndim == 4
    rows = in_order(x, is_images)
    channel_mean, channel_var = norms.statistics(rows, len(x))
    mean = _over_groups(channel_mean, groups)
    var = _over_groups(channel_var + np.square(channel_mean - mean), groups)
    inv_std = 1 / np.sqrt(var + eps)
    out = norms.apply(rows, mean, inv_std, gamma, beta)
    kept = rows, mean.astype(x.dtype), inv_std, gamma, beta is not None, groups, is_images
    return shaped(out, is_images), kept


def group_norm_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Send the gradient back through the scale, the spread and the mean."""
    rows, mean, inv_std, gamma, has_beta, groups, is_images = cache
    gradient = in_order(dout, is_images)
    sums, products = norms.gradient_sums(gradient, rows, mean, inv_std)
    dx = dgamma = dbeta = None
    if gamma is not None and "gamma" in needs:
        dgamma = products.sum(axis=0).astype(dout.dtype)
    if has_beta and "beta" in needs:
        dbeta = sums.sum(axis=0).astype(dout.dtype)
    if "x" in needs:
        if not norms.is_finite(gamma):
            gradient, gamma = gradient * gamma, None
            sums, products = norms.gradient_sums(gradient, rows, mean, inv_std)
        a = inv_std
        if gamma is not None:
            a, sums, products = a * gamma, sums * gamma, products * gamma
        pixels = max(rows.size // max(mean.size, 1), 1)
        b = -inv_std * inv_std * _over_groups(products, groups) / pixels
        c = -inv_std * _over_groups(sums, groups) / pixels
        dx = shaped(norms.input_gradient(gradient, rows, mean, a, b, c), is_images)
    return dx, dgamma, dbeta


def _over_groups(values: PerChannel, groups: int) -> PerChannel:
    """Average (N, C) over each group of channels; every channel gets its group's mean."""
    N, C = values.shape
    mean = values.reshape(N, groups, C // groups).mean(axis=2)
    return np.repeat(mean, C // groups, axis=1)
