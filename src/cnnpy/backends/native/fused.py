"""Several rows of the contract in one go: what containers ask for when they fuse layers.

A convolution with what follows it: batch norm, the sum with a residual branch, ReLU or
ReLU6, max pooling, and a matrix product with its ReLU. The values are those of the rows
one after the other; what lies between them is not kept where backward can do without.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnpy.backends.native import _native, norms
from cnnpy.backends.native.conv2d import conv2d_geometry
from cnnpy.backends.native.engine import as_rows, contiguous, empty, images_from
from cnnpy.backends.native.pooling import geometry as pool_geometry
from cnnpy.backends.native.pooling import pooled_shape
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
    "ConvBlockInference",
    "LinearInference",
    "Value",
    "conv_block_backward",
    "conv_block_forward",
    "linear_relu_backward",
    "linear_relu_forward",
]


class Value(NamedTuple):
    """A value of a program: its number there, and its shape."""

    number: int
    shape: Shape


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


_CEILING = {False: math.nan, True: 6.0}  # by whether a ReLU is one of 6


def _shape_options(options: ConvOptions) -> dict[str, Any]:
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
    geometry, shape = conv2d_geometry(images.shape, w.shape, **_shape_options(options))
    rows, filters = as_rows(images), contiguous(w)
    algorithm = _native.Algorithm[options.algorithm]
    bias = None if b is None else contiguous(b)
    alone = relu and norm is None and pool is None
    ceiling = _CEILING[relu6]
    kept = pooled = None
    if norm is None and pool is not None:
        y, pooled = _room_for_pool(shape, pool, rows.dtype)
        _native.conv_pool_forward(
            geometry, algorithm, rows, filters, bias, pooled.geometry, relu, y, pooled.which
        )
    elif norm is None:
        y = empty(shape, rows.dtype)
        _native.conv2d_forward(geometry, algorithm, rows, filters, bias, alone, y, ceiling=ceiling)
    else:
        y = empty(shape, rows.dtype)
        mean, var = norms.per_channel(shape[-1]), norms.per_channel(shape[-1])
        made = None
        if before is not None and _is_kept(before, geometry):
            made = empty(rows.shape, rows.dtype)
            before.made = images_from(made)
        _native.conv_block_forward(
            geometry, algorithm, rows, *_reading(before), made, filters, bias, y, mean, var
        )
        if made is not None:
            rows = made
        kept = _norm_cache(y, mean, var, norm)
    out: FloatArray | HandedOn
    if kept is not None and hand_on:
        out = HandedOn(images_from(y), kept.mean, kept.scale, kept.shift, residual, relu, relu6)
    else:
        if kept is not None and pool is not None:
            y, pooled = _max_pool(y, pool, kept, relu)
        elif kept is not None:
            z, y = y, empty(shape, y.dtype)
            beside = None if residual is None else as_rows(residual)
            _native.batch_norm_apply(z, kept.scale, kept.shift, beside, relu, y, ceiling)
        out = images_from(y)
    remembered = y if alone or (relu and residual is not None and not hand_on) else None
    cache = _BlockCache(
        geometry,
        algorithm,
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


def _is_kept(before: HandedOn, geometry: Any) -> bool:
    if before.keep or before.residual is not None:
        return True
    return not _native.conv_block_backward_is_cut(geometry, before.images.itemsize)


def _reading(before: HandedOn | None) -> tuple[Any, Any, Any, bool, float]:
    """Tell what a convolution does to x where it reads it."""
    if before is None:
        return None, None, None, False, math.nan
    residual = None if before.residual is None else as_rows(before.residual)
    return before.scale, before.shift, residual, before.relu, _CEILING[before.relu6]


def _reading_again(before: HandedOn | None) -> tuple[Any, Any, bool, float]:
    """Tell what backward does to x: nothing where it was kept."""
    if before is None:
        return None, None, False, math.nan
    ceiling = _CEILING[before.relu6]
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


def _max_pool(
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
    few = pool.kernel_size[0] * pool.kernel_size[1] <= 256
    which = empty(pooled, np.dtype(np.uint8 if few else np.int32))
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
        gradient = _through_relu(gradient, own.out, own.relu6)
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


def _through_relu(gradient: FloatArray, out: FloatArray, relu6: bool = False) -> FloatArray:
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
        relu = norms.Relu(kept.scale, kept.shift, ceiling=_CEILING[own.relu6])
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


class ConvBlockInference:
    """A block ready for inference: the norm folded into the filters, these packed once.

    Parameters
    ----------
    w, b, options, norm, relu, pool, relu6
        As for `conv_block_forward`; what they hold now is what is computed with later.
    """

    def __init__(
        self,
        w: FloatArray,
        b: FloatArray | None,
        options: ConvOptions,
        *,
        norm: Norm | None,
        relu: bool,
        pool: PoolOptions | None,
        relu6: bool = False,
    ) -> None:
        if norm is not None:
            w, b = _fold(w, b, norm)
        self._w, self._b = contiguous(w), None if b is None else contiguous(b)
        self._options = options
        self._algorithm = _native.Algorithm[options.algorithm]
        self._relu = relu
        self._ceiling = _CEILING[relu6]
        self._pool = pool
        self._packed = _PACKED[w.dtype]()
        self._geometry: tuple[Shape, Any, Shape] = ((), None, ())

    def geometry(self, x: Shape) -> tuple[Any, Shape]:
        """Return what the engine is told of the shapes, and the convolution's (N, H, W, F)."""
        return conv2d_geometry(x, self._w.shape, **_shape_options(self._options))

    def record(self, program: Any, x: Value, residual: Value | None, relu: bool) -> Value:
        """Make the block a step of a program, or two."""
        geometry, (N, H_out, W_out, F) = self.geometry(x.shape)
        number = program.conv2d(
            geometry,
            self._algorithm,
            x.number,
            self._w,
            self._b,
            relu or self._relu,
            None if residual is None else residual.number,
            self._packed,
            self._ceiling,
        )
        out = Value(number, (N, F, H_out, W_out))
        if self._pool is None:
            return out
        _, H_pool, W_pool, _ = pooled = pooled_shape(out.shape, *self._pool)
        number = program.max_pool2d(pool_geometry(out.shape, pooled, *self._pool), number)
        return Value(number, (N, F, H_pool, W_pool))

    def __call__(
        self, x: FloatArray, residual: FloatArray | None = None, relu: bool = False
    ) -> FloatArray:
        """Compute pool(relu(conv(x) + residual))."""
        known, geometry, shape = self._geometry
        if known != x.shape:
            geometry, shape = self.geometry(x.shape)
            self._geometry = (x.shape, geometry, shape)
        relu = relu or self._relu
        y = empty(shape, x.dtype)
        _native.conv2d_forward(
            geometry,
            self._algorithm,
            as_rows(x),
            self._w,
            self._b,
            relu,
            y,
            self._packed,
            None if residual is None else as_rows(residual),
            self._ceiling,
        )
        if self._pool is not None:
            y, _ = _max_pool(y, self._pool)
        return images_from(y)


class LinearInference:
    """A fully connected layer ready for inference, its weights packed once.

    Parameters
    ----------
    w, b
        As for linear.
    relu : bool
        Whether what is negative is cut off.
    """

    def __init__(self, w: FloatArray, b: FloatArray | None, *, relu: bool) -> None:
        self._w, self._b = contiguous(w), None if b is None else contiguous(b)
        self._relu = relu
        self._packed = _PACKED[w.dtype]()

    def record(self, program: Any, x: Value) -> Value:
        """Make the layer a step of a program."""
        N = x.shape[0]
        number = program.linear(N, x.number, self._w, self._b, self._relu, self._packed)
        return Value(number, (N, self._w.shape[0]))

    def __call__(self, x: FloatArray) -> FloatArray:
        """Multiply each row with the weights."""
        out: FloatArray = empty((x.shape[0], self._w.shape[0]), x.dtype)
        _native.linear_forward(contiguous(x), self._w, self._b, self._relu, out, self._packed)
        return out


_PACKED: dict[Any, Callable[[], Any]] = {
    np.dtype(np.float32): _native.PackedFilters_f32,
    np.dtype(np.float64): _native.PackedFilters_f64,
}


def _fold(w: FloatArray, b: FloatArray | None, norm: Norm) -> tuple[FloatArray, FloatArray]:
    """Multiply the filters with the norm's scale, and make its shift the bias."""
    inv_std = 1 / np.sqrt(norm.running_var.astype(np.float64) + norm.eps)
    scale = inv_std if norm.gamma is None else inv_std * norm.gamma
    shift = -norm.running_mean * scale
    if norm.beta is not None:
        shift += norm.beta
    if b is not None:
        shift += b * scale
    return (w * scale[:, None, None, None]).astype(w.dtype), shift.astype(w.dtype)


def linear_relu_forward(
    x: FloatArray, w: FloatArray, b: FloatArray | None
) -> tuple[FloatArray, Any]:
    """Multiply each row with the weights and cut off what is negative."""
    x, w = contiguous(x), contiguous(w)
    out = empty((x.shape[0], w.shape[0]), x.dtype)
    _native.linear_forward(x, w, None if b is None else contiguous(b), True, out)
    return out, (x, w, b is not None, out)


def linear_relu_backward(
    dout: FloatArray, cache: Any, needs: frozenset[str]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Send a gradient back through the ReLU and the product."""
    x, w, has_bias, out = cache
    gradient = _through_relu(contiguous(dout), out)
    dx = empty(x.shape, x.dtype) if "x" in needs else None
    dw = empty(w.shape, w.dtype) if "w" in needs else None
    db = empty(w.shape[:1], w.dtype) if "b" in needs and has_bias else None
    if dx is not None:
        _native.linear_input_gradient(gradient, w, dx)
    if dw is not None or db is not None:
        _native.linear_parameter_gradients(x, gradient, dw, db)
    return dx, dw, db
