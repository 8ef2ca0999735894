"""Whole networks in one call: steps recorded for inputs of one shape; see native/engine/program.

Images lie as (N, H, W, C) in all values of a program; the input comes as it lies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cnnpy.backends.native import _native, norms
from cnnpy.backends.native._native import Curve
from cnnpy.backends.native.engine import as_rows, contiguous, empty, images_from
from cnnpy.backends.native.pad2d import BORDERS
from cnnpy.backends.native.pooling import geometry, pooled_shape
from cnnpy.backends.native.prepared import Value
from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.fusions import NetworkStep, Norm
from cnnpy.contract.shapes import Shape

__all__ = ["Program", "record"]

_PROGRAMS: dict[Any, Callable[[int], Any]] = {
    np.dtype(np.float32): _native.Program_f32,
    np.dtype(np.float64): _native.Program_f64,
}


class Program:
    """A recorded network, for inputs of one shape, dtype and order.

    Parameters
    ----------
    recorded : object
        The engine's program, finished.
    channels_last : bool
        Whether it reads images as (N, H, W, C).
    out_shape : tuple of int
        The output's.
    """

    def __init__(self, recorded: Any, channels_last: bool, out_shape: Shape) -> None:
        self._run = recorded.run
        self._channels_last = channels_last
        self._images = len(out_shape) == 4
        self._out_shape = _lying(out_shape)

    def __call__(self, x: FloatArray) -> FloatArray:
        """Run it on a batch."""
        out: FloatArray = empty(self._out_shape, x.dtype)
        self._run(as_rows(x) if self._channels_last else contiguous(x), out)
        return images_from(out) if self._images else out


def record(steps: Sequence[NetworkStep], x: FloatArray) -> Program | None:
    """Record a network for inputs like x.

    Parameters
    ----------
    steps : sequence of NetworkStep
        The network's, which fit to x.
    x : ndarray of shape (N, ...)
        A batch.

    Returns
    -------
    Program or None
        None where a step is none that a program knows.
    """
    if x.dtype not in _PROGRAMS or not x.size or x.ndim not in (2, 4):
        return None
    program = _PROGRAMS[x.dtype](x.size)
    first, channels_last = Value(0, x.shape), False
    if x.ndim == 4:
        channels_last = not x.flags.c_contiguous or x.transpose(0, 2, 3, 1).flags.c_contiguous
        if not channels_last:
            N, C, H, W = x.shape
            first = Value(program.transpose(N, C, H * W, 0), x.shape)
    values = [first]
    for step in steps:
        out = _record_step(program, step, [values[i] for i in step.inputs], x.dtype)
        if out is None or not math.prod(out.shape):
            return None
        values.append(out)
    program.finish(values[-1].number)
    return Program(program, channels_last, values[-1].shape)


def _record_step(program: Any, step: NetworkStep, xs: list[Value], dtype: Any) -> Value | None:
    if step.op == "conv_block":
        own: Value = step.content.record(program, xs[0], xs[1] if len(xs) > 1 else None, step.relu)
        return own
    if step.op == "linear_block":
        out: Value = step.content.record(program, xs[0])
        return out
    if step.op == "add":
        return Value(program.add(xs[0].number, xs[1].number, False), xs[0].shape)
    if step.op == "concat":
        return _concat(program, xs)
    if step.op == "batch_norm":
        return _batch_norm(program, xs[0], step.content, dtype)
    known = _ROWS.get(step.op or "")
    return None if known is None else known(program, xs[0], step.content)


def _lying(shape: Shape) -> Shape:
    """Give the shape in which an array lies in memory."""
    if len(shape) != 4:
        return shape
    N, C, H, W = shape
    return N, H, W, C


# --- the rows that have options only -----------------------------------------------------

_Options = Mapping[str, Any]


def _curve(curve: Curve, option: str | None = None) -> Callable[[Any, Value, _Options], Value]:
    def recorded(program: Any, x: Value, options: _Options) -> Value:
        parameter = 0.0 if option is None else options[option]
        return Value(program.curve(curve, parameter, x.number), x.shape)

    return recorded


def _gelu(program: Any, x: Value, options: _Options) -> Value:
    curve = Curve.GELU if options["approximate"] == "none" else Curve.GELU_TANH
    return Value(program.curve(curve, 0.0, x.number), x.shape)


def _max_pool2d(program: Any, x: Value, options: _Options) -> Value:
    N, H, W, C = pooled = pooled_shape(x.shape, **options)
    pool = geometry(x.shape, pooled, **options)
    return Value(program.max_pool2d(pool, x.number), (N, C, H, W))


def _avg_pool2d(program: Any, x: Value, options: _Options) -> Value:
    windows = {name: options[name] for name in ("kernel_size", "stride", "padding")}
    N, H, W, C = pooled = pooled_shape(x.shape, **windows)
    pool = geometry(x.shape, pooled, **options)
    return Value(program.avg_pool2d(pool, x.number), (N, C, H, W))


def _global_avg_pool2d(program: Any, x: Value, options: _Options) -> Value:
    N, C, H, W = x.shape
    return Value(program.channel_means(N, H * W, C, x.number), (N, C, 1, 1))


def _flatten(program: Any, x: Value, options: _Options) -> Value:
    flat = shapes.flatten(x.shape)
    if len(x.shape) == 4 and x.shape[1] > 1 and x.shape[2] * x.shape[3] > 1:
        N, C, H, W = x.shape
        return Value(program.transpose(N, H * W, C, x.number), flat)
    return Value(x.number, flat)


def _softmax(logs: bool) -> Callable[[Any, Value, _Options], Value]:
    def recorded(program: Any, x: Value, options: _Options) -> Value:
        at = options["axis"] % len(x.shape)
        lying = _lying(x.shape)
        at = at if len(lying) != 4 else (0, 3, 1, 2)[at]
        around = math.prod(lying[:at]), lying[at], math.prod(lying[at + 1 :])
        return Value(program.softmax(*around, logs, x.number), x.shape)

    return recorded


def _pad2d(program: Any, x: Value, options: _Options) -> Value:
    top, bottom, left, right = options["padding"]
    sides = _native.Padding(top, bottom, left, right, BORDERS[options["mode"]])
    N, C, H, W = x.shape
    number = program.pad2d(N, H, W, C, sides, options["value"], x.number)
    return Value(number, (N, C, top + H + bottom, left + W + right))


def _upsample_nearest2d(program: Any, x: Value, options: _Options) -> Value:
    scale_h, scale_w = options["scale_factor"]
    N, C, H, W = x.shape
    number = program.upsample(N, H, W, C, scale_h, scale_w, x.number)
    return Value(number, (N, C, H * scale_h, W * scale_w))


_ROWS: dict[str, Callable[[Any, Value, _Options], Value]] = {
    "relu": lambda program, x, options: Value(program.relu(x.number), x.shape),
    "relu6": _curve(Curve.RELU6),
    "leaky_relu": _curve(Curve.LEAKY_RELU, "negative_slope"),
    "sigmoid": _curve(Curve.SIGMOID),
    "tanh": _curve(Curve.TANH),
    "gelu": _gelu,
    "silu": _curve(Curve.SILU),
    "hard_swish": _curve(Curve.HARD_SWISH),
    "max_pool2d": _max_pool2d,
    "avg_pool2d": _avg_pool2d,
    "global_avg_pool2d": _global_avg_pool2d,
    "flatten": _flatten,
    "dropout": lambda program, x, options: x,
    "softmax": _softmax(logs=False),
    "log_softmax": _softmax(logs=True),
    "pad2d": _pad2d,
    "upsample_nearest2d": _upsample_nearest2d,
}


# --- those that have more -----------------------------------------------------------------


def _concat(program: Any, xs: list[Value]) -> Value:
    """Lay channels beside each other: columns of a matrix with a row for each pixel."""
    shape = xs[0].shape
    rows = shape[0] * math.prod(shape[2:])
    columns = [x.shape[1] for x in xs]
    number = program.concat(rows, [x.number for x in xs], columns)
    return Value(number, (shape[0], sum(columns), *shape[2:]))


def _batch_norm(program: Any, x: Value, norm: Norm, dtype: Any) -> Value | None:
    if not norms.is_finite(norm.gamma):
        return None
    mean, var = (np.asarray(a, dtype=np.float64) for a in (norm.running_mean, norm.running_var))
    inv_std = 1 / np.sqrt(var + norm.eps)
    scale, shift = norms.factors(mean, inv_std, norm.gamma, norm.beta, dtype)
    rows = x.shape[0] * math.prod(x.shape[2:])
    return Value(program.scale_shift(rows, x.number, scale, shift), x.shape)
