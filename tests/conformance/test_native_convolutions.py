"""Convolutions and matrix products have the same bits on any number of threads."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from cnnpy.contract import OPS

pytest.importorskip("cnnpy.backends.native._native")
engine = importlib.import_module("cnnpy.backends.native.engine")

THREADS = (2, 3, 5, 8)

# Shapes of x and w with options: large enough for several items each way.
CASES: dict[str, tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "direct": (
        "conv2d", (9, 5, 30, 29), (37, 5, 3, 4), {"padding": (1, 2), "algorithm": "direct"},
    ),
    "along the rows": ("conv2d", (9, 5, 30, 29), (37, 5, 3, 4), {"padding": (1, 2)}),
    "along the rows, strided": ("conv2d", (2, 3, 90, 80), (20, 3, 7, 7), {"stride": 2}),
    "strided": ("conv2d", (9, 17, 30, 29), (33, 17, 5, 3), {"stride": (2, 3), "padding": 2}),
    "dilated": ("conv2d", (5, 9, 30, 29), (20, 9, 3, 3), {"stride": 2, "dilation": (2, 3)}),
    "of one pixel": ("conv2d", (9, 40, 20, 19), (70, 40, 1, 1), {}),
    "one image": ("conv2d", (1, 3, 90, 80), (16, 3, 7, 7), {"stride": 2, "padding": 3}),
    "many filters": ("conv2d", (3, 96, 9, 8), (300, 96, 3, 2), {"padding": 1}),
    "by tiles": (
        "conv2d", (9, 33, 30, 29), (40, 33, 3, 3), {"padding": 1, "algorithm": "winograd"},
    ),
    "by few tiles of many filters": (
        "conv2d", (2, 200, 9, 8), (210, 200, 3, 3), {"padding": 1, "algorithm": "winograd"},
    ),
    "by many tiles": (
        "conv2d", (3, 5, 130, 90), (7, 5, 3, 3), {"padding": 1, "algorithm": "winograd"},
    ),
    "each channel alone": (
        "conv2d", (9, 40, 30, 29), (40, 1, 3, 3), {"padding": 1, "groups": 40},
    ),
    "each of few channels alone": (
        "conv2d", (9, 5, 30, 29), (5, 1, 5, 4), {"stride": 2, "padding": 2, "groups": 5},
    ),
    "one image, each channel alone": (
        "conv2d", (1, 70, 30, 29), (70, 1, 5, 5), {"padding": (2, 1), "groups": 70},
    ),
    "many channels for one filter": (
        "conv2d", (5, 80, 12, 11), (2, 40, 7, 7), {"padding": 3, "groups": 2},
    ),
    "two channels for one filter": (
        "conv2d", (5, 26, 12, 11), (13, 2, 7, 7), {"padding": 3, "groups": 13},
    ),
    "few filters": ("conv2d", (9, 90, 20, 19), (3, 90, 5, 4), {"stride": (1, 2), "padding": 2}),
    "many channels, edges apart": (
        "conv2d", (3, 70, 37, 31), (13, 70, 3, 3), {"stride": (3, 2), "padding": (2, 1)},
    ),
    "many channels to some filters, edges apart": (
        "conv2d", (3, 70, 37, 31), (75, 70, 3, 3), {"stride": (3, 2), "padding": (2, 1)},
    ),
    "rows without taps, edges apart": (
        "conv2d", (3, 70, 17, 31), (45, 70, 3, 3),
        {"padding": (5, 1), "dilation": (2, 1), "stride": 2},
    ),
    "one tap of larger groups": ("conv2d", (9, 36, 20, 19), (57, 12, 1, 1), {"groups": 3}),
    "one tap, strided": ("conv2d", (9, 3, 60, 61), (4, 3, 1, 1), {"stride": 2}),
    "few channels to many": ("conv2d", (9, 2, 20, 19), (70, 2, 3, 3), {"padding": 1}),
    "one filter": ("conv2d", (9, 5, 30, 29), (1, 5, 3, 3), {"stride": 2, "padding": 1}),
    "one filter, a large window": ("conv2d", (2, 3, 40, 40), (1, 3, 11, 11), {"padding": 5}),
    "one filter, a high window": ("conv2d", (2, 3, 40, 40), (1, 3, 16, 8), {"padding": (7, 4)}),
    "one channel, a large window": ("conv2d", (2, 1, 40, 40), (3, 1, 12, 10), {"padding": 5}),
    "small maps": ("conv2d", (37, 20, 4, 5), (50, 10, 3, 3), {"padding": 1, "groups": 2}),
    "one channel to many, in groups": (
        "conv2d", (9, 8, 14, 13), (168, 1, 6, 5), {"padding": 1, "groups": 8},
    ),
    "small groups": ("conv2d", (9, 36, 30, 29), (48, 3, 3, 3), {"padding": 1, "groups": 12}),
    "large groups": ("conv2d", (9, 36, 20, 19), (80, 18, 3, 3), {"padding": 1, "groups": 2}),
    "transposed": (
        "conv_transpose2d", (9, 33, 15, 14), (33, 20, 4, 3), {"stride": 2, "padding": 1},
    ),
    "a matrix": ("linear", (200, 300), (170, 300), {}),
    "a matrix of one row": ("linear", (1, 3000), (500, 3000), {}),
    "a matrix of many rows": ("linear", (5000, 20), (10, 20), {}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def threads() -> Any:
    before = engine.num_threads()
    yield
    engine.set_num_threads(before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_any_number_of_threads_gives_the_same_bits_of_every_pass(
    name: str, dtype: Any, public: Any
) -> None:
    op, x_shape, w_shape, options = CASES[name]
    forward, backward = public(op, "native")
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype(dtype) for shape in (x_shape, w_shape))
    filters = w_shape[1] if op == "conv_transpose2d" else w_shape[0]
    b = rng.standard_normal(filters).astype(dtype)
    dout: Any = None
    alone: list[bytes] = []
    for n in (1, *THREADS):
        engine.set_num_threads(n)
        out, cache = forward(x, w, b, **options)
        dout = rng.standard_normal(out.shape).astype(dtype) if dout is None else dout
        found = [np.array(a).tobytes() for a in (out, *backward(dout, cache))]
        assert len(found) == 1 + len(OPS[op].gradients)
        alone = alone or found
        assert found == alone, f"{n} threads"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_large_shapes_have_the_values_that_numpy_computes(
    name: str, dtype: Any, public: Any
) -> None:
    op, x_shape, w_shape, options = CASES[name]
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape) for shape in (x_shape, w_shape))
    filters = w_shape[1] if op == "conv_transpose2d" else w_shape[0]
    b = rng.standard_normal(filters)
    given = {k: v for k, v in options.items() if k != "algorithm"}
    forward, backward = public(op, "numpy")
    want, cache = forward(x, w, b, **given)
    dout = rng.standard_normal(want.shape)
    wanted = [want, *backward(dout, cache)]
    forward, backward = public(op, "native")
    out, cache = forward(*(a.astype(dtype) for a in (x, w, b)), **options)
    found = [out, *backward(dout.astype(dtype), cache)]
    allowed = 64 * np.finfo(dtype).eps * (256 if options.get("algorithm") == "winograd" else 16)
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=allowed * np.abs(theirs).max())


ADDENDS = [
    "many channels to some filters, edges apart",
    "direct",
    "strided",
    "large groups",
    "small groups",
    "of one pixel",
    "many filters",
]


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*ADDENDS, "winograd"])
def test_an_addend_comes_before_the_relu_with_the_bits_of_a_sum(
    name: str, dtype: Any, relu: bool
) -> None:
    conv2d = importlib.import_module("cnnpy.backends.native.conv2d")
    native = importlib.import_module("cnnpy.backends.native._native")
    _, (N, C, H, W), w_shape, given = CASES[ADDENDS[0] if name == "winograd" else name]
    w_shape = (w_shape[0], C, 3, 3) if name == "winograd" else w_shape
    given = dict(given)
    way = "winograd" if name == "winograd" else given.pop("algorithm", "auto")
    given.pop("algorithm", None)
    defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    options = {
        k: v if k == "groups" or np.ndim(v) else (v, v) for k, v in (defaults | given).items()
    }
    geometry, shape = conv2d.conv2d_geometry((N, C, H, W), w_shape, **options)
    rng = np.random.default_rng(0)
    arrays = ((N, H, W, C), w_shape, w_shape[:1], shape)
    x, w, b, addend = (rng.standard_normal(size).astype(dtype) for size in arrays)
    plain, found = np.empty(shape, dtype), np.empty(shape, dtype)
    native.conv2d_forward(geometry, native.Algorithm[way], x, w, b, False, plain)
    want = plain + addend
    native.conv2d_forward(geometry, native.Algorithm[way], x, w, b, relu, found, None, addend)
    np.testing.assert_array_equal(found, np.maximum(want, 0) if relu else want)
