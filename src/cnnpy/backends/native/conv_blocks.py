"""Blocks of a convolution in training: what follows it goes with it, in both passes.

Behind the convolution stand batch norm, the sum with a residual branch, ReLU or ReLU6, and
max pooling. Where a norm's block hands on, the next one makes its output some images at a
time where its convolution reads it, and takes the sums of the gradient while it writes it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnpy.backends.native import _native, norms
from cnnpy.backends.native.conv2d import conv2d_geometry
from cnnpy.backends.native.engine import as_rows, contiguous, empty, images_from
from cnnpy.backends.native.pooling import geometry as pool_geometry
from cnnpy.backends.native.pooling import pooled_shape, room_for_taps
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.fusions import (
    BlockGradients,
    ConvOptions,
    HandedGradient,
    HandedOn,
    Norm,
    PoolOptions,
)
from cnnpy.contract.shapes import Shape

__all__ = [
    "CEILING",
    "conv_block_backward",
    "conv_block_forward",
    "max_pool",
    "shape_options",
    "through_relu",
]


class _NormCache(NamedTuple):
    z: FloatArray
    mean: FloatArray
    inv_std: norms.PerChannel
    gamma: FloatArray | None
    has_beta: bool
    scale: FloatArray
    shift: FloatArray


class _Pooled(NamedTuple):
    geometry: Any
    which: NDArray[np.integer[Any]]
    shape: Shape


class _BlockCache(NamedTuple):
    geometry: Any
    algorithm: Any
    x: FloatArray
    before: HandedOn | None  # x is what this is made from
    w: FloatArray
    has_bias: bool
    norm: _NormCache | None
    out: FloatArray | None  # where ReLU's backward asks it
    relu: bool
    residual: bool
    pooled: _Pooled | None
    relu6: bool = False


CEILING = {False: math.nan, True: 6.0}  # by whether a ReLU is one of 6


def shape_options(options: ConvOptions) -> dict[str, Any]:
    """Leave out what chooses how and not what."""
    return {name: value for name, value in options._asdict().items() if name != "algorithm"}


def conv_block_forward(
    x: FloatArray | HandedOn,
    w: FloatArray,
    b: FloatArray | None,
    options: ConvOptions,
    *,
    norm: Norm | None = None,
    residual: FloatArray | None = None,
    relu: bool = False,
    pool: PoolOptions | None = None,
    hand_on: bool = False,
    relu6: bool = False,
) -> tuple[FloatArray | HandedOn, Any]:
    """Run a training step's forward pass: pool(relu(norm(conv(x)) + residual)).

    A residual branch needs a norm before it, and no pooling comes after it. What is handed
    on to a block needs a norm in both, and no pooling between. With `relu6` the ReLU is one
    of 6, and neither residual nor pooling is there.
    """
    before, images = (x, x.images) if isinstance(x, HandedOn) else (None, x)
    geometry, shape = conv2d_geometry(images.shape, w.shape, **shape_options(options))
    rows, filters = as_rows(images), contiguous(w)
    how = geometry, _native.Algorithm[options.algorithm]
    bias = None if b is None else contiguous(b)
    alone = relu and norm is None and pool is None
    ceiling = CEILING[relu6]
    kept = pooled = None
    if norm is None and pool is not None:
        y, pooled = _room_for_pool(shape, pool, rows.dtype)
        _native.conv_pool_forward(*how, rows, filters, bias, pooled.geometry, relu, y, pooled.which)
    elif norm is None:
        y = empty(shape, rows.dtype)
        _native.conv2d_forward(*how, rows, filters, bias, alone, y, ceiling=ceiling)
    else:
        y, rows, kept = _conv_and_statistics(how, rows, before, filters, bias, shape, norm)
    out: FloatArray | HandedOn
    if kept is not None and hand_on:
        out = HandedOn(images_from(y), kept.mean, kept.scale, kept.shift, residual, relu, relu6)
    else:
        if kept is not None and pool is not None:
            y, pooled = max_pool(y, pool, kept, relu)
        elif kept is not None:
            z, y = y, empty(shape, y.dtype)
            beside = None if residual is None else as_rows(residual)
            _native.batch_norm_apply(z, kept.scale, kept.shift, beside, relu, y, ceiling)
        out = images_from(y)
    remembered = y if alone or (relu and residual is not None and not hand_on) else None
    cache = _BlockCache(
        *how,
        rows,
        before,
        filters,
        b is not None,
        kept,
        remembered,
        relu,
        residual is not None,
        pooled,
        relu6,
    )
    return out, cache


def _conv_and_statistics(
    how: tuple[Any, Any],
    rows: FloatArray,
    before: HandedOn | None,
    filters: FloatArray,
    bias: FloatArray | None,
    shape: Shape,
    norm: Norm,
) -> tuple[FloatArray, FloatArray, _NormCache]:
    """Return what the convolution gives, its input for backward, and what the norm keeps."""
    y = empty(shape, rows.dtype)
    mean, var = norms.per_channel(shape[-1]), norms.per_channel(shape[-1])
    made = None
    if before is not None and _is_kept(before, how[0]):
        made = empty(rows.shape, rows.dtype)
        before.made = images_from(made)
    scale, shift, residual, relu, ceiling = _reading(before)
    _native.conv_block_forward(
        *how, rows, scale, shift, residual, relu, ceiling, made, filters, bias, y, mean, var
    )
    return y, rows if made is None else made, _norm_cache(y, mean, var, norm)


def _is_kept(before: HandedOn, geometry: Any) -> bool:
    if before.keep or before.residual is not None:
        return True
    return not _native.conv_block_backward_is_cut(geometry, before.images.itemsize)


def _reading(before: HandedOn | None) -> tuple[Any, Any, Any, bool, float]:
    """Tell what a convolution does to x where it reads it."""
    if before is None:
        return None, None, None, False, math.nan
    residual = None if before.residual is None else as_rows(before.residual)
    return before.scale, before.shift, residual, before.relu, CEILING[before.relu6]


def _reading_again(before: HandedOn | None) -> tuple[Any, Any, bool, float]:
    """Tell what backward does to x: nothing where it was kept."""
    if before is None:
        return None, None, False, math.nan
    ceiling = CEILING[before.relu6]
    if before.made is not None:
        return None, None, before.relu, ceiling
    return before.scale, before.shift, before.relu, ceiling


def _norm_cache(
    z: FloatArray, mean: norms.PerChannel, var: norms.PerChannel, norm: Norm
) -> _NormCache:
    m = z.size // z.shape[-1]
    if m:
        norms.follow(norm.running_mean, mean, norm.momentum)
    if m > 1:
        norms.follow(norm.running_var, var * (m / (m - 1)), norm.momentum)
    inv_std = 1 / np.sqrt(var + norm.eps)
    scale, shift = norms.factors(mean, inv_std, norm.gamma, norm.beta, z.dtype)
    return _NormCache(
        z, mean.astype(z.dtype), inv_std, norm.gamma, norm.beta is not None, scale, shift
    )


def max_pool(
    y: FloatArray, pool: PoolOptions, norm: _NormCache | None = None, relu: bool = False
) -> tuple[FloatArray, _Pooled]:
    """Pool y, or what a norm and a ReLU would make of it."""
    out, pooled = _room_for_pool(y.shape, pool, y.dtype)
    scale, shift = (None, None) if norm is None else (norm.scale, norm.shift)
    _native.max_pool2d_forward(pooled.geometry, y, scale, shift, relu, out, pooled.which)
    return out, pooled


def _room_for_pool(
    shape: Shape, pool: PoolOptions, dtype: np.dtype[Any]
) -> tuple[FloatArray, _Pooled]:
    N, H, W, C = shape
    pooled = pooled_shape((N, C, H, W), *pool)
    which = room_for_taps(pooled, pool.kernel_size)
    geometry = pool_geometry((N, C, H, W), pooled, *pool)
    return empty(pooled, dtype), _Pooled(geometry, which, shape)


def conv_block_backward(
    dout: FloatArray | HandedGradient,
    cache: Any,
    needs: frozenset[str],
    addend: FloatArray | None = None,
) -> BlockGradients:
    """Send a gradient back through a block; `needs` names the gradients that are wanted.

    `addend` is added to the gradient of x: what came back beside the block.
    """
    own: _BlockCache = cache
    gradient = as_rows(dout.images if isinstance(dout, HandedGradient) else dout)
    if own.pooled is not None and own.norm is not None:
        # `which` names no pixel where the ReLU cut off
        spread = empty(own.pooled.shape, gradient.dtype)
        _native.max_pool2d_backward(own.pooled.geometry, gradient, own.pooled.which, spread)
        gradient = spread
    elif own.relu and own.norm is None and own.pooled is None:
        assert own.out is not None
        gradient = through_relu(gradient, own.out, own.relu6)
    wanted = _Wanted(own, needs, None if addend is None else as_rows(addend))
    if own.norm is None and own.pooled is not None:
        return _conv_pool_backward(gradient, own, own.pooled, wanted)
    if own.norm is None:
        return _conv_backward(gradient, own, wanted)
    sums = (dout.sums, dout.products) if isinstance(dout, HandedGradient) else None
    return _norm_block_backward(gradient, own, own.norm, wanted, sums)


class _Wanted:
    """The gradients of a convolution that are wanted, to be filled."""

    def __init__(self, own: _BlockCache, needs: frozenset[str], addend: FloatArray | None) -> None:
        self.needs = needs
        self.addend = addend
        dtype = own.x.dtype
        self.dx = empty(own.x.shape, dtype) if "x" in needs else None
        self.dw = empty(own.w.shape, dtype) if "w" in needs else None
        self.db = empty(own.w.shape[:1], dtype) if "b" in needs and own.has_bias else None

    def found(
        self,
        x: FloatArray | HandedGradient | None,
        gamma: FloatArray | None = None,
        beta: FloatArray | None = None,
        residual: FloatArray | None = None,
    ) -> BlockGradients:
        """Give them with those of the norm, of which some may not be wanted."""
        return BlockGradients(
            x,
            self.dw,
            self.db,
            gamma if "gamma" in self.needs else None,
            beta if "beta" in self.needs else None,
            residual,
        )


def _conv_backward(gradient: FloatArray, own: _BlockCache, wanted: _Wanted) -> BlockGradients:
    how = own.geometry, own.algorithm
    if wanted.dx is not None:
        _native.conv2d_input_gradient(*how, gradient, own.w, None, wanted.dx, wanted.addend)
    if wanted.dw is not None or wanted.db is not None:
        _native.conv2d_filter_gradient(*how, own.x, gradient, wanted.dw, wanted.db)
    return wanted.found(None if wanted.dx is None else images_from(wanted.dx))


def _conv_pool_backward(
    gradient: FloatArray, own: _BlockCache, pooled: _Pooled, wanted: _Wanted
) -> BlockGradients:
    _native.conv_pool_backward(
        own.geometry,
        own.algorithm,
        own.x,
        pooled.geometry,
        gradient,
        pooled.which,
        own.w,
        wanted.addend,
        wanted.dx,
        wanted.dw,
        wanted.db,
    )
    return wanted.found(None if wanted.dx is None else images_from(wanted.dx))


def through_relu(gradient: FloatArray, out: FloatArray, relu6: bool = False) -> FloatArray:
    """Keep the gradient where a ReLU let its input through, told by its output."""
    masked: FloatArray = empty(gradient.shape, gradient.dtype)
    if relu6:  # its output stands on a kink where its input stood on or beyond one
        _native.curve_backward(_native.Curve.RELU6, gradient, out, 0.0, masked)
    else:
        _native.relu_mask(gradient, out, masked)
    return masked


def _norm_block_backward(
    gradient: FloatArray,
    own: _BlockCache,
    kept: _NormCache,
    wanted: _Wanted,
    sums_of_gradient: tuple[norms.PerChannel, norms.PerChannel] | None,
) -> BlockGradients:
    handed = sums_of_gradient is not None  # then the ReLU has had its say
    relu, dresidual = norms.NO_RELU, None
    if own.relu and own.residual and not handed:
        relu, dresidual = norms.Relu(out=own.out), empty(gradient.shape, gradient.dtype)
    elif own.relu and own.pooled is None and not handed:
        relu = norms.Relu(kept.scale, kept.shift, ceiling=CEILING[own.relu6])
    if sums_of_gradient is None:
        sums, products = norms.gradient_sums(gradient, kept.z, kept.mean, kept.inv_std, relu)
    else:
        sums, products = sums_of_gradient[0], sums_of_gradient[1] * kept.inv_std
    before = own.before
    of_before: tuple[Any, Any, Any, Any] = (None, None, None, None)
    if before is not None and wanted.dx is not None:
        C = own.x.shape[-1]
        sums_of_x = norms.per_channel(C), norms.per_channel(C)
        of_before = as_rows(before.images), before.mean, *sums_of_x
    _native.conv_block_backward(
        own.geometry,
        own.algorithm,
        own.x,
        *_reading_again(before),
        gradient,
        kept.z,
        kept.mean,
        *norms.gradient_factors(kept.inv_std, kept.gamma, sums, products, kept.z),
        relu.scale,
        relu.shift,
        relu.out,
        relu.ceiling,
        own.w,
        wanted.addend,
        wanted.dx,
        *of_before,
        wanted.dw,
        wanted.db,
        dresidual,
    )
    if dresidual is None and own.residual:
        dresidual = gradient
    dx: FloatArray | HandedGradient | None = None
    if wanted.dx is not None:
        dx = images_from(wanted.dx)
        dx = dx if before is None else HandedGradient(dx, *sums_of_x)
    return wanted.found(
        dx,
        None if kept.gamma is None else products[0].astype(gradient.dtype),
        sums[0].astype(gradient.dtype) if kept.has_beta else None,
        None if dresidual is None else images_from(dresidual),
    )
