"""layer_norm: the last axes of each image standardised together."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.numpy.standardize import standardize, standardize_backward
from cnnpy.contract.dtypes import FloatArray

__all__ = ["layer_norm_backward", "layer_norm_forward"]


def layer_norm_forward(
    x: FloatArray, gamma: FloatArray | None, beta: FloatArray | None, *, axis: int, eps: float
) -> tuple[FloatArray, Any]:
    """Bring the last axes of each image to mean beta and spread gamma."""
    axes = tuple(range(axis % x.ndim, x.ndim))
    x_hat, inv_std, _, _ = standardize(x, axes, eps)
    out = x_hat.copy() if gamma is None else x_hat * gamma
    if beta is not None:
        out += beta
    return out, (x_hat, inv_std, gamma, beta, axes)


def layer_norm_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Send the gradient back through the scale, the spread and the mean."""
    x_hat, inv_std, gamma, beta, axes = cache
    images = tuple(range(axes[0]))
    dx = dgamma = dbeta = None
    if gamma is not None and "gamma" in needs:
        dgamma = (dout * x_hat).sum(axis=images)
    if beta is not None and "beta" in needs:
        dbeta = dout.sum(axis=images)
    if "x" in needs:
        dx_hat = dout if gamma is None else dout * gamma
        dx = standardize_backward(dx_hat, x_hat, inv_std, axes)
    return dx, dgamma, dbeta
