"""Blocks ready for inference: norms folded into the filters, these packed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cnnpy.backends.native import _native
from cnnpy.backends.native.conv2d import conv2d_geometry
from cnnpy.backends.native.conv_blocks import CEILING, max_pool, shape_options
from cnnpy.backends.native.engine import as_rows, contiguous, empty, images_from
from cnnpy.backends.native.pooling import geometry as pool_geometry
from cnnpy.backends.native.pooling import pooled_shape
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.fusions import ConvOptions, Norm, PoolOptions
from cnnpy.contract.shapes import Shape

__all__ = ["ConvBlockInference", "LinearInference", "Value"]


class Value(NamedTuple):
    """A value of a program: its number there, and its shape."""

    number: int
    shape: Shape


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
        self._ceiling = CEILING[relu6]
        self._pool = pool
        self._packed = _PACKED[w.dtype]()
        self._geometry: tuple[Shape, Any, Shape] = ((), None, ())

    def geometry(self, x: Shape) -> tuple[Any, Shape]:
        """Return what the engine is told of the shapes, and the convolution's (N, H, W, F)."""
        return conv2d_geometry(x, self._w.shape, **shape_options(self._options))

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
            y, _ = max_pool(y, self._pool)
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
