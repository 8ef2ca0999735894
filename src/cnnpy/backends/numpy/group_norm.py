"""group_norm: groups of channels of each image standardised together."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.numpy.standardize import standardize, standardize_backward
from cnnpy.contract.dtypes import FloatArray

__all__ = ["group_norm_backward", "group_norm_forward"]


def group_norm_forward(
    x: FloatArray, gamma: FloatArray | None, beta: FloatArray | None, *, groups: int, eps: float
) -> tuple[FloatArray, Any]:
    """Bring groups of each image's channels to mean beta and spread gamma."""
    column = (1, -1, *(1,) * (x.ndim - 2))
    parted = _part(x, groups)
    standard, inv_std, _, _ = standardize(parted, tuple(range(2, parted.ndim)), eps)
    x_hat = standard.reshape(x.shape)
    out = x_hat.copy() if gamma is None else x_hat * gamma.reshape(column)
    if beta is not None:
        out += beta.reshape(column)
    return out, (x_hat, inv_std, gamma, beta, groups)


def group_norm_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Send the gradient back through the scale, the spread and the mean."""
    x_hat, inv_std, gamma, beta, groups = cache
    column = (1, -1, *(1,) * (dout.ndim - 2))
    others = (0, *range(2, dout.ndim))
    dx = dgamma = dbeta = None
    if gamma is not None and "gamma" in needs:
        dgamma = (dout * x_hat).sum(axis=others)
    if beta is not None and "beta" in needs:
        dbeta = dout.sum(axis=others)
    if "x" in needs:
        dx_hat = _part(dout if gamma is None else dout * gamma.reshape(column), groups)
        axes = tuple(range(2, dx_hat.ndim))
        dx = standardize_backward(dx_hat, _part(x_hat, groups), inv_std, axes).reshape(dout.shape)
    return dx, dgamma, dbeta


def _part(x: FloatArray, groups: int) -> FloatArray:
    """Cut the channels into groups: (N, groups, C/groups, ...)."""
    N, C = x.shape[:2]
    return x.reshape(N, groups, C // groups, *x.shape[2:])
