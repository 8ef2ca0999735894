"""Several rows of the contract in one go: what containers ask for when they fuse layers.

A convolution with what follows it: batch norm, the sum with a residual branch, ReLU, max
pooling, and a matrix product with its ReLU. The values are those of the rows one after
the other; what lies between them is not kept where backward can do without.
"""

from __future__ import annotations

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
from cnnpy.contract.fusions import BlockGradients, ConvOptions, Norm, PoolOptions
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
    w: FloatArray
    has_bias: bool
    norm: _NormCache | None
    out: FloatArray | None  # where ReLU's backward asks it
    relu: bool
    residual: bool
    pooled: _Pooled | None


def _shape_options(options: ConvOptions) -> dict[str, Any]:
    """Leave out what chooses how and not what."""
    return {name: value for name, value in options._asdict().items() if name != "algorithm"}


def conv_block_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    options: ConvOptions,
    *,
    norm: Norm | None = None,
    residual: FloatArray | None = None,
    relu: bool = False,
    pool: PoolOptions | None = None,
) -> tuple[FloatArray, Any]:
    """Run a training step's forward pass: pool(relu(norm(conv(x)) + residual)).

    A residual branch needs a norm before it, and no pooling comes after it.
    """
    geometry, shape = conv2d_geometry(x.shape, w.shape, **_shape_options(options))
    rows, filters = as_rows(x), contiguous(w)
    algorithm = _native.Algorithm[options.algorithm]
    bias = None if b is None else contiguous(b)
    y = empty(shape, x.dtype)
    alone = relu and norm is None and pool is None
    _native.conv2d_forward(geometry, algorithm, rows, filters, bias, alone, y)
    kept = None
    if norm is not None:
        kept = _statistics(y, norm)
    pooled = None
    if pool is not None:
        y, pooled = _max_pool(y, pool, kept, relu)
    elif kept is not None:
        z, y = y, empty(shape, x.dtype)
        beside = None if residual is None else as_rows(residual)
        _native.batch_norm_apply(z, kept.scale, kept.shift, beside, relu, y)
    remembered = y if alone or (relu and residual is not None) else None
    cache = _BlockCache(
        geometry,
        algorithm,
        rows,
        filters,
        b is not None,
        kept,
        remembered,
        relu,
        residual is not None,
        pooled,
    )
    return images_from(y), cache


def _statistics(z: FloatArray, norm: Norm) -> _NormCache:
    mean, var = norms.statistics(z, 1)
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
    N, H, W, C = y.shape
    shape = pooled_shape((N, C, H, W), *pool)
    geometry = pool_geometry((N, C, H, W), shape, *pool)
    few = pool.kernel_size[0] * pool.kernel_size[1] <= 256
    which = empty(shape, np.dtype(np.uint8 if few else np.int32))
    out = empty(shape, y.dtype)
    scale, shift = (None, None) if norm is None else (norm.scale, norm.shift)
    _native.max_pool2d_forward(geometry, y, scale, shift, relu, out, which)
    return out, _Pooled(geometry, which, y.shape)


def conv_block_backward(
    dout: FloatArray, cache: Any, needs: frozenset[str], addend: FloatArray | None = None
) -> BlockGradients:
    """Send a gradient back through a block; `needs` names the gradients that are wanted.

    `addend` is added to the gradient of x: what came back beside the block.
    """
    own: _BlockCache = cache
    gradient = as_rows(dout)
    if own.pooled is not None:  # `which` names no pixel where the ReLU cut off
        spread = empty(own.pooled.shape, gradient.dtype)
        _native.max_pool2d_backward(own.pooled.geometry, gradient, own.pooled.which, spread)
        gradient = spread
    elif own.relu and own.norm is None:
        assert own.out is not None
        gradient = _through_relu(gradient, own.out)
    dgamma = dbeta = dresidual = None
    if own.norm is not None:
        gradient, dgamma, dbeta, dresidual = _norm_backward(gradient, own)
    dx = dw = db = None
    if "x" in needs:
        dx = empty(own.x.shape, own.x.dtype)
        beside = None if addend is None else as_rows(addend)
        _native.conv2d_input_gradient(
            own.geometry, own.algorithm, gradient, own.w, None, dx, beside
        )
    if "w" in needs:
        dw = empty(own.w.shape, own.w.dtype)
    if "b" in needs and own.has_bias:
        db = empty(own.w.shape[:1], own.w.dtype)
    if dw is not None or db is not None:
        _native.conv2d_filter_gradient(own.geometry, own.algorithm, own.x, gradient, dw, db)
    return BlockGradients(
        None if dx is None else images_from(dx),
        dw,
        db,
        dgamma if "gamma" in needs else None,
        dbeta if "beta" in needs else None,
        None if dresidual is None else images_from(dresidual),
    )


def _through_relu(gradient: FloatArray, out: FloatArray) -> FloatArray:
    masked: FloatArray = empty(gradient.shape, gradient.dtype)
    _native.relu_mask(gradient, out, masked)
    return masked


def _norm_backward(
    gradient: FloatArray, own: _BlockCache
) -> tuple[FloatArray, FloatArray | None, FloatArray | None, FloatArray | None]:
    kept = own.norm
    assert kept is not None
    relu, dresidual = norms.NO_RELU, gradient if own.residual else None
    if own.relu and own.residual:
        relu, dresidual = norms.Relu(out=own.out), empty(gradient.shape, gradient.dtype)
    elif own.relu and own.pooled is None:
        relu = norms.Relu(kept.scale, kept.shift)
    sums, products = norms.gradient_sums(gradient, kept.z, kept.mean, kept.inv_std, relu)
    a = kept.inv_std if kept.gamma is None else kept.inv_std * kept.gamma
    m = max(kept.z.size // kept.z.shape[-1], 1)
    b, c = -a * kept.inv_std * products / m, -a * sums / m
    let_through = dresidual if own.relu else None
    dz = norms.input_gradient(gradient, kept.z, kept.mean, a, b, c, relu, let_through)
    dgamma = None if kept.gamma is None else products[0].astype(gradient.dtype)
    dbeta = sums[0].astype(gradient.dtype) if kept.has_beta else None
    return dz, dgamma, dbeta, dresidual


class ConvBlockInference:
    """A block ready for inference: the norm folded into the filters, these packed once.

    Parameters
    ----------
    w, b, options, norm, relu, pool
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
    ) -> None:
        if norm is not None:
            w, b = _fold(w, b, norm)
        self._w, self._b = contiguous(w), None if b is None else contiguous(b)
        self._options = options
        self._algorithm = _native.Algorithm[options.algorithm]
        self._relu = relu
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
