"""The compiled engine on arrays of many items: what the small cases do not reach.

Work is cut by the shape alone, so any number of threads must give the same bits; and
where items meet, the result must be what the NumPy backend computes in float64.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

native = pytest.importorskip("cnnpy.backends.native._native")
engine = importlib.import_module("cnnpy.backends.native.engine")

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((5, 19, 41, 40))
CHANNELS = RNG.standard_normal((2, 19)) + 1
POOL = {"kernel_size": (3, 2), "stride": (2, 2), "padding": (1, 0)}
TRAIN = {
    "running_mean": None,
    "running_var": None,
    "train": True,
    "momentum": 0.1,
    "eps": 1e-5,
}
SCORES = RNG.standard_normal((997, 101))
LABELS = RNG.integers(0, 101, 997)

CASES: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "relu": ((IMAGES,), {}),
    "relu6": ((5 * IMAGES,), {}),
    "leaky_relu": ((IMAGES,), {"negative_slope": 0.1}),
    "sigmoid": ((IMAGES,), {}),
    "tanh": ((IMAGES,), {}),
    "gelu": ((IMAGES,), {"approximate": "none"}),
    "gelu of tanh": ((IMAGES,), {"approximate": "tanh"}),
    "silu": ((IMAGES,), {}),
    "hard_swish": ((IMAGES,), {}),
    "add": ((IMAGES, IMAGES[::-1]), {}),
    "dropout": ((IMAGES,), {"mask": RNG.random(IMAGES.shape) < 0.7, "p": 0.3}),
    "max_pool2d": ((IMAGES,), POOL),
    "max_pool2d apart": ((IMAGES,), {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0)}),
    "max_pool2d of many": (
        (IMAGES,),
        {"kernel_size": (20, 17), "stride": (3, 2), "padding": (4, 3)},
    ),
    "avg_pool2d": ((IMAGES,), POOL | {"count_include_pad": False}),
    "global_avg_pool2d": ((IMAGES,), {}),
    "batch_norm": ((IMAGES, *CHANNELS), TRAIN),
    "batch_norm of features": ((SCORES, None, None), TRAIN),
    "group_norm": ((IMAGES[:, :18], *CHANNELS[:, :18]), {"groups": 6, "eps": 1e-5}),
    "layer_norm": (
        (IMAGES, *RNG.standard_normal((2, 19, 41, 40))),
        {"axis": 1, "eps": 1e-5},
    ),
    "layer_norm of features": (
        (SCORES, *RNG.standard_normal((2, 101))),
        {"axis": 1, "eps": 1e-5},
    ),
    "softmax": ((IMAGES,), {"axis": 1}),
    "softmax of rows": ((IMAGES,), {"axis": 2}),
    "log_softmax": ((SCORES,), {"axis": 1}),
    "softmax_cross_entropy": ((SCORES, LABELS), {"label_smoothing": 0.1}),
    "hinge": ((SCORES, LABELS), {}),
    "mean_squared_error": ((IMAGES, IMAGES[::-1]), {}),
    "flatten": ((IMAGES,), {}),
    "concat": (((IMAGES, IMAGES[:, :3]),), {"axis": 1}),
    "pad2d": ((IMAGES,), {"padding": (1, 2, 3, 4), "mode": "reflect", "value": 0.0}),
    "upsample_nearest2d": ((IMAGES,), {"scale_factor": (2, 3)}),
}
every_case = pytest.mark.parametrize("name", CASES)
every_layout = pytest.mark.parametrize("layout", ["channels-first", "channels-last"])


@pytest.fixture(autouse=True)
def threads() -> Any:
    before = engine.num_threads()
    yield engine.set_num_threads
    engine.set_num_threads(before)


def _map(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(_map(item, change) for item in value)
    return change(value) if isinstance(value, np.ndarray) else value


def _channels_last(a: Any) -> Any:
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) if a.ndim == 4 else a


def _both_passes(backend: str, name: str, dtype: Any, layout: str) -> list[Any]:
    op = name.split()[0]
    arrays, options = CASES[name]
    module = importlib.import_module(f"cnnpy.backends.{backend}.{op}")
    arrays = _map(arrays, lambda a: a.astype(dtype) if a.dtype.kind == "f" else a)
    if layout == "channels-last":
        arrays = _map(arrays, _channels_last)
    if op == "layer_norm":  # whose parameters have the axes of an image
        arrays = (arrays[0], *(np.ascontiguousarray(p) for p in arrays[1:]))
    out, cache = getattr(module, f"{op}_forward")(*arrays, **options)
    dout = np.random.default_rng(1).standard_normal(np.shape(out)).astype(dtype)
    needs = ("x", "y", "gamma", "beta", "xs")
    found = getattr(module, f"{op}_backward")(np.asarray(dout), cache, needs)
    gradients = [g for f in found for g in (f if isinstance(f, list) else [f])]
    return [np.array(a) for a in (out, *gradients) if a is not None]


@every_layout
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_case
def test_any_number_of_threads_gives_the_same_bits(
    name: str, dtype: Any, layout: str, threads: Callable[[int], None]
) -> None:
    threads(1)
    alone = _both_passes("native", name, dtype, layout)
    for n in (2, 3, 8):
        threads(n)
        for want, got in zip(alone, _both_passes("native", name, dtype, layout), strict=True):
            assert want.tobytes() == got.tobytes()


@every_layout
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_case
def test_many_items_are_what_numpy_computes(name: str, dtype: Any, layout: str) -> None:
    want = _both_passes("numpy", name, np.float64, "channels-first")
    got = _both_passes("native", name, dtype, layout)
    tolerance = 64 * np.finfo(dtype).eps
    for a, b in zip(want, got, strict=True):
        scale = max(1.0, float(np.abs(a).max()))
        np.testing.assert_allclose(b, a, rtol=0, atol=tolerance * scale)


def test_statistics_of_values_far_from_zero_do_not_cancel() -> None:
    x = np.random.default_rng(2).standard_normal((50, 3, 40, 40)) + np.array(
        [1e3, -1e4, 1e6]
    ).reshape(1, 3, 1, 1)
    x[:10] += 5  # the first rows stand apart
    rows = np.ascontiguousarray(x.astype(np.float32).transpose(0, 2, 3, 1))
    mean, var = np.empty((1, 3)), np.empty((1, 3))
    native.batch_statistics(rows, mean, var)
    exact = rows.astype(np.float64)
    np.testing.assert_allclose(mean[0], exact.mean(axis=(0, 1, 2)), rtol=1e-7)
    np.testing.assert_allclose(var[0], exact.var(axis=(0, 1, 2)), rtol=1e-5)


# --- passes that are fused ----------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("C", [3, 16, 37])
@pytest.mark.parametrize("with_residual", [False, True])
@pytest.mark.parametrize("relu", [False, True])
def test_a_fused_norm_is_its_parts(dtype: Any, C: int, with_residual: bool, relu: bool) -> None:
    rng = np.random.default_rng(C)
    x, dout = (rng.standard_normal((7, 23, 11, C)).astype(dtype) for _ in range(2))
    residual = rng.standard_normal(x.shape).astype(dtype) if with_residual else None
    scale, shift, mean, a, b, c = (rng.standard_normal((1, C)).astype(dtype) for _ in range(6))
    out = np.empty_like(x)
    native.batch_norm_apply(x, scale, shift, residual, relu, out)
    eps = 8 * np.finfo(dtype).eps
    want = x.astype(np.float64) * scale + shift + (residual if with_residual else 0)
    want = np.maximum(want, 0) if relu else want
    np.testing.assert_allclose(out, want, rtol=eps, atol=8 * eps)

    # the mask from x itself, or from the output where a residual was added
    mask = (None, None, None)
    if relu:
        mask = (None, None, out) if with_residual else (scale, shift, None)
    g = np.where(out <= 0, 0, dout) if relu else dout
    sums, products = np.empty((1, C)), np.empty((1, C))
    native.batch_norm_backward_sums(dout, x, mean, *mask, sums, products)
    axes = (0, 1, 2)
    g64, x64 = g.astype(np.float64), x.astype(np.float64)
    np.testing.assert_allclose(sums[0], g64.sum(axis=axes), atol=1e3 * eps)
    np.testing.assert_allclose(products[0], (g64 * (x64 - mean)).sum(axis=axes), atol=1e3 * eps)

    dx, dresidual = dout.copy(), np.empty_like(x)  # dx in dout's memory
    native.batch_norm_backward_apply(dx, x, mean, a, b, c, *mask, dx, dresidual)
    np.testing.assert_allclose(dx, a * g64 + b * (x64 - mean) + c, rtol=eps, atol=16 * eps)
    np.testing.assert_array_equal(dresidual, g)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("C", [3, 16, 37])
@pytest.mark.parametrize("window", [(2, 2, 2, 2, 0, 0), (3, 3, 2, 2, 1, 1), (16, 17, 5, 3, 8, 2)])
@pytest.mark.parametrize("affine", [False, True])
def test_a_pooling_fused_with_norm_and_relu_is_its_parts(
    dtype: Any, C: int, window: tuple[int, ...], affine: bool
) -> None:
    rng = np.random.default_rng(C)
    HH, WW, stride_h, stride_w, padding_h, padding_w = window
    x = rng.integers(-3, 3, (3, 24, 31, C)).astype(dtype)
    x[0, :6] = -1  # whole windows that are cut off
    scale, shift = (rng.integers(-2, 3, C).astype(dtype) for _ in range(2))
    H_out = 1 + (24 + 2 * padding_h - HH) // stride_h
    W_out = 1 + (31 + 2 * padding_w - WW) // stride_w
    pool = native.Pool2d(3, C, 24, 31, *window, H_out, W_out, True)
    out = np.empty((3, H_out, W_out, C), dtype=dtype)
    which = np.empty(out.shape, dtype=np.uint8 if HH * WW <= 255 else np.int32)
    factors = (scale, shift) if affine else (None, None)
    native.max_pool2d_forward(pool, x, *factors, True, out, which)
    dout, dx = rng.standard_normal(out.shape).astype(dtype), np.empty_like(x)
    native.max_pool2d_backward(pool, dout, which, dx)

    normed = x * scale + shift if affine else x
    relued = np.ascontiguousarray(np.maximum(normed, 0))
    plain, dplain = np.empty_like(out), np.empty_like(x)
    native.max_pool2d_forward(pool, relued, None, None, False, plain, which)
    native.max_pool2d_backward(pool, dout, which, dplain)
    np.testing.assert_array_equal(out, plain)
    np.testing.assert_array_equal(dx, np.where(normed <= 0, 0, dplain))


# --- layouts ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (3, 16, 8, 8), (2, 33, 40, 41), (1, 1, 1, 1)])
def test_a_change_of_layout_moves_every_entry_to_its_place(dtype: Any, shape: Any) -> None:
    x = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    rows = engine.as_rows(x)
    assert rows.flags.c_contiguous
    np.testing.assert_array_equal(rows, x.transpose(0, 2, 3, 1))
    back = engine.contiguous(engine.images_from(rows))
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, x)
    np.testing.assert_array_equal(engine.as_rows(x[:, ::-1]), x[:, ::-1].transpose(0, 2, 3, 1))


@pytest.mark.parametrize("op", ["relu", "add", "dropout", "tanh", "batch_norm", "softmax"])
def test_images_that_lie_channels_last_stay_so(op: str) -> None:
    module = importlib.import_module(f"cnnpy.backends.native.{op}")
    arrays, options = CASES[op]
    arrays = _map(arrays, lambda a: _channels_last(a) if a.ndim == 4 else a)
    out, cache = getattr(module, f"{op}_forward")(*arrays, **options)
    (dx, *_) = getattr(module, f"{op}_backward")(out.copy(order="K"), cache, ("x", "y"))
    for array in (out, dx):
        assert array.transpose(0, 2, 3, 1).flags.c_contiguous


def test_a_wrong_array_is_refused_and_never_converted() -> None:
    x = np.ones((4, 4), dtype=np.float32)
    with pytest.raises(TypeError):
        native.add(x, x, np.empty((4, 4)))
    with pytest.raises(TypeError):
        native.add(x, x, np.empty((4, 8), dtype=np.float32)[:, ::2])
    with pytest.raises(TypeError):
        native.add(x.T[:, ::2], x, np.empty((4, 4), dtype=np.float32))
