"""layer_norm by the compiled kernels: rows of what is normalised together."""

from __future__ import annotations

import math
from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import contiguous, empty
from cnnpy.backends.native.layout import in_order, ordered, shaped
from cnnpy.contract.dtypes import FloatArray

__all__ = ["layer_norm_backward", "layer_norm_forward"]


def layer_norm_forward(
    x: FloatArray, gamma: FloatArray | None, beta: FloatArray | None, *, axis: int, eps: float
) -> tuple[FloatArray, Any]:
    """Bring the last axes of each image to mean beta and spread gamma."""
    first = axis % x.ndim
    # whole images may be normalised in the order in which they lie
    channels_last = x.ndim == 4 and first == 1 and ordered(x).channels_last
    array = in_order(x, channels_last)
    D = math.prod(array.shape[first:])
    rows = array.reshape(-1, D) if D else array.reshape(0, 0)
    scale, shift = (_in_order_of_a_row(p, channels_last) for p in (gamma, beta))
    out = empty(array.shape, x.dtype)
    mean, inv_std = empty((len(rows),), x.dtype), empty((len(rows),), x.dtype)
    _native.row_norm_forward(rows, scale, shift, eps, out.reshape(rows.shape), mean, inv_std)
    shape = x.shape[first:]
    kept = rows, mean, inv_std, scale, beta is not None, shape, array.shape, channels_last
    return shaped(out, channels_last), kept


def layer_norm_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Send the gradient back through the scale, the spread and the mean."""
    rows, mean, inv_std, gamma, has_beta, shape, array_shape, channels_last = cache
    gradient = in_order(dout, channels_last).reshape(rows.shape)
    D = (rows.shape[1],)
    dx = empty(rows.shape, dout.dtype) if "x" in needs else None
    dgamma = empty(D, dout.dtype) if gamma is not None and "gamma" in needs else None
    dbeta = empty(D, dout.dtype) if has_beta and "beta" in needs else None
    _native.row_norm_backward(gradient, rows, gamma, mean, inv_std, dx, dgamma, dbeta)
    if dx is not None:
        dx = shaped(dx.reshape(array_shape), channels_last)
    dgamma, dbeta = (
        None if p is None else _as_it_was(p, shape, channels_last) for p in (dgamma, dbeta)
    )
    return dx, dgamma, dbeta


def _in_order_of_a_row(parameter: FloatArray | None, channels_last: bool) -> FloatArray | None:
    if parameter is None:
        return None
    return contiguous(parameter.transpose(1, 2, 0) if channels_last else parameter)


def _as_it_was(gradient: FloatArray, shape: tuple[int, ...], channels_last: bool) -> FloatArray:
    if not channels_last:
        return gradient.reshape(shape)
    C, H, W = shape
    return gradient.reshape(H, W, C).transpose(2, 0, 1)
