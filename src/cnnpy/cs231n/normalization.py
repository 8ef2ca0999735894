"""What the normalisations of `layers` are made of: running statistics and shapes.

The course's conventions are added here to :mod:`cnnpy.functional`: the running
statistics that live in ``bn_param``, and gamma and beta of shape (1, C, 1, 1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy import functional
from cnnpy.contract import validate
from cnnpy.contract.dtypes import check_array
from cnnpy.contract.errors import ShapeError
from cnnpy.contract.ops import OPS
from cnnpy.cs231n.caches import Kept, matched, unpack
from cnnpy.cs231n.coerce import floats
from cnnpy.cs231n.parameters import mode_of, optional

__all__ = [
    "batch_norm",
    "batch_norm_closed_form",
    "batch_norm_gradients",
    "group_norm",
    "group_norm_gradients",
    "layer_norm",
    "layer_norm_gradients",
]

Array = NDArray[Any]
Parameters = Mapping[str, Any]
Gradients = tuple[Array, Array, Array]

_BATCH_NORM = "x gamma beta mean var eps mode"
_EPS = 1e-5
_OTHER = {
    "batchnorm_forward": "spatial_batchnorm_forward",
    "spatial_batchnorm_forward": "batchnorm_forward",
    "layernorm_forward": "spatial_groupnorm_forward with G=1",
    "spatial_groupnorm_forward": "layernorm_forward",
}


def batch_norm(
    function: str, x: Array, gamma: Array, beta: Array, bn_param: MutableMapping[str, Any]
) -> tuple[Array, Kept]:
    """Normalise over the batch, and keep the running statistics."""
    _demand_axes(function, x)
    mode = mode_of(function, "bn_param", bn_param)
    eps, momentum = bn_param.get("eps", _EPS), bn_param.get("momentum", 0.9)
    values, scale, shift = floats(x, _flat(gamma), _flat(beta))
    running_mean = _running(function, bn_param, "running_mean", values)
    running_var = _running(function, bn_param, "running_var", values)
    if mode == "test":
        statistics = running_mean.copy(), running_var.copy()
        values, scale, shift, mean, var = floats(values, scale, shift, *statistics)
        out, inner = functional.batch_norm_forward(
            values, scale, shift, running_mean=mean, running_var=var, train=False, eps=eps
        )
    else:
        out, inner = functional.batch_norm_forward(
            values, scale, shift, train=True, momentum=momentum, eps=eps
        )
        mean, var = _batch_statistics(values)
        if values.size:
            running_mean = momentum * running_mean + (1 - momentum) * mean
            running_var = momentum * running_var + (1 - momentum) * var
    bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
    return out, Kept((x, gamma, beta, mean, var, eps, mode), inner)


def batch_norm_gradients(function: str, dout: Array, cache: tuple[Any, ...]) -> Gradients:
    """Return dx, dgamma, dbeta, from the backend of forward."""
    unpacked = unpack(function, cache, _BATCH_NORM, "batch_norm", opaque=True)
    x, gamma, beta, mean, var, eps, mode = unpacked

    def again(dtype: np.dtype[Any] | None) -> functional.Cache:
        values, scale, shift = floats(x, _flat(gamma), _flat(beta), dtype=dtype)
        statistics: dict[str, Any] = {}
        if mode == "test":
            running = floats(mean, var, dtype=dtype)
            statistics = {"running_mean": running[0].copy(), "running_var": running[1].copy()}
        return functional.batch_norm_forward(
            values, scale, shift, train=mode == "train", eps=eps, **statistics
        )[1]

    dout, inner = matched(dout, cache, again)
    return _shaped(functional.batch_norm_backward(dout, inner), gamma, beta)


def batch_norm_closed_form(function: str, dout: Array, cache: tuple[Any, ...]) -> Gradients:
    """Return dx, dgamma, dbeta, dx by one formula for the whole layer."""
    unpacked = unpack(function, cache, _BATCH_NORM, "batch_norm", opaque=True)
    *arrays, eps, mode = unpacked
    dout, x, gamma, _, mean, var = floats(dout, *arrays)
    dout = validate.backward_call(OPS["batch_norm"], dout, x.dtype, x.shape)
    _demand_axes("batchnorm_forward", x)
    N = len(x)
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    if mode == "test" or N == 0:
        return dout * (gamma / std), dgamma, dbeta
    dx = gamma / (N * std) * (N * dout - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


def layer_norm(
    function: str, x: Array, gamma: Array, beta: Array, ln_param: Parameters
) -> tuple[Array, Kept]:
    """Normalise the features of each input."""
    _demand_axes(function, x)
    eps = optional(function, "ln_param", ln_param, "eps", _EPS)
    out, inner = functional.layer_norm_forward(*floats(x, gamma, beta), axis=1, eps=eps)
    return out, Kept((x, gamma, beta, eps), inner)


def layer_norm_gradients(function: str, dout: Array, cache: tuple[Any, ...]) -> Gradients:
    """Return dx, dgamma, dbeta, from the backend of forward."""
    unpacked = unpack(function, cache, "x gamma beta eps", "layer_norm", opaque=True)
    *arrays, eps = unpacked

    def again(dtype: np.dtype[Any] | None) -> functional.Cache:
        return functional.layer_norm_forward(*floats(*arrays, dtype=dtype), axis=1, eps=eps)[1]

    dout, inner = matched(dout, cache, again)
    return functional.layer_norm_backward(dout, inner)  # type: ignore[return-value]


def group_norm(
    function: str, x: Array, gamma: Array, beta: Array, G: int, gn_param: Parameters
) -> tuple[Array, Kept]:
    """Normalise groups of each image's channels."""
    _demand_axes(function, x)
    eps = optional(function, "gn_param", gn_param, "eps", _EPS)
    out, inner = _group_norm(x, gamma, beta, G, eps, None)
    return out, Kept((x, gamma, beta, G, eps), inner)


def group_norm_gradients(function: str, dout: Array, cache: tuple[Any, ...]) -> Gradients:
    """Return dx, dgamma, dbeta, from the backend of forward."""
    unpacked = unpack(function, cache, "x gamma beta G eps", "group_norm", opaque=True)
    x, gamma, beta, G, eps = unpacked

    def again(dtype: np.dtype[Any] | None) -> functional.Cache:
        return _group_norm(x, gamma, beta, G, eps, dtype)[1]

    dout, inner = matched(dout, cache, again)
    return _shaped(functional.group_norm_backward(dout, inner), gamma, beta)


def _group_norm(
    x: Array, gamma: Array, beta: Array, G: int, eps: float, dtype: np.dtype[Any] | None
) -> tuple[Array, functional.Cache]:
    x, gamma, beta = floats(x, _flat(gamma), _flat(beta), dtype=dtype)
    return functional.group_norm_forward(x, gamma, beta, groups=G, eps=eps)


def _batch_statistics(x: Array) -> tuple[Array, Array]:
    """Return mean and biased variance of each channel, zeros for an empty batch."""
    axes = (0, 2, 3) if x.ndim == 4 else (0,)
    if not x.size:
        return np.zeros(x.shape[1], dtype=x.dtype), np.zeros(x.shape[1], dtype=x.dtype)
    return x.mean(axis=axes), x.var(axis=axes)


def _running(function: str, bn_param: Parameters, key: str, x: Array) -> Array:
    """Return a running statistic, zeros at first, in a float dtype."""
    C = x.shape[1]
    if bn_param.get(key) is None:
        return np.zeros(C, dtype=x.dtype)
    statistic = check_array(function, f"bn_param[{key!r}]", bn_param[key])
    if statistic.shape != (C,):
        raise ShapeError(
            f"{function}: x has shape {x.shape}; bn_param[{key!r}] has shape {statistic.shape}",
            f"an array of shape ({C},)",
            f"use one dictionary a layer, or del bn_param[{key!r}] to begin anew",
        )
    (running,) = floats(statistic)
    return running  # type: ignore[no-any-return]


def _flat(scale: Any) -> Any:
    """Lay a gamma or beta of shape (1, C, 1, 1) out as (C,)."""
    spatial = isinstance(scale, np.ndarray) and scale.ndim == 4
    return scale.reshape(-1) if spatial and scale.shape == (1, scale.size, 1, 1) else scale


def _shaped(gradients: tuple[Array | None, ...], gamma: Any, beta: Any) -> Gradients:
    """Bring dgamma and dbeta to the shapes that gamma and beta had."""
    dx, dgamma, dbeta = gradients
    if dgamma is not None:
        dgamma = dgamma.reshape(gamma.shape)
    if dbeta is not None:
        dbeta = dbeta.reshape(beta.shape)
    return dx, dgamma, dbeta  # type: ignore[return-value]


def _demand_axes(function: str, x: Array) -> None:
    """Demand (N, D) or, of the spatial functions, (N, C, H, W)."""
    x = check_array(function, "x", x)
    ndim, axes = (4, "(N, C, H, W)") if function.startswith("spatial") else (2, "(N, D)")
    if x.ndim == ndim:
        return
    if x.ndim == 6 - ndim:
        mend = f"use {_OTHER[function]}"
    elif ndim == 2:
        mend = f"use x.reshape({x.shape[0] if x.ndim else 1}, {math.prod(x.shape[1:])})"
    else:
        mend = "use x[np.newaxis]" if x.ndim == 3 else "reshape x to four axes"
    raise ShapeError(f"{function}: x has shape {x.shape}", f"x with the axes {axes}", mend)
