"""conv2d has several ways to be computed: each is what the definition says, as far as its row."""

from __future__ import annotations

import functools
import zlib
from typing import Any

import numpy as np
import pytest

import cnnpy
from cnnpy import functional as F
from cnnpy.check import LAYOUTS, Case, RandomHand, judge
from cnnpy.check.case import Hand, as_written
from cnnpy.contract import OPS, OptionError

ALGORITHMS = ("direct", "winograd", "auto")
DTYPES = (np.float32, np.float64)


def draw_for_winograd(hand: Hand) -> Case:
    """Draw a 3x3 or 5x5 convolution with odd sizes around the tiles and the registers."""
    window = hand.choice("window", [3, 3, 5])
    padding = (hand.integer("padding_h", 0, window), hand.integer("padding_w", 0, window))
    H, W = (
        hand.integer(axis, max(1, window - 2 * p), 11)
        for axis, p in zip("HW", padding, strict=True)
    )
    C = hand.choice("C", [1, 3, 4, 8, 15, 16, 17, 33])
    filters = hand.choice("F", [1, 3, 4, 8, 15, 16, 17, 33, 50])
    arrays = {
        "x": hand.floats((hand.choice("N", [0, 1, 2, 5]), C, H, W)),
        "w": hand.floats((filters, C, window, window)),
        "b": hand.floats((filters,)) if hand.choice("bias", [True, False]) else None,
    }
    return Case("conv2d", arrays, {"padding": as_written(hand, "padding", padding)})


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_is_what_the_definition_says(
    algorithm: str, dtype: Any, layout: str, public, gradient_of_output, profile
) -> None:
    forward, backward = public("conv2d", "native")
    row = OPS["conv2d"]
    tiles = algorithm == "winograd" or (algorithm == "auto" and dtype is np.float32)
    tolerance = row.other_tolerances["winograd"] if tiles else row.tolerance
    for k in range(200 if profile == "slow" else 6):
        seed = zlib.crc32(f"{algorithm} {dtype.__name__} {layout} {k}".encode())
        case = draw_for_winograd(RandomHand(seed))
        dout = gradient_of_output(case, forward, seed)
        way = functools.partial(forward, algorithm=algorithm)
        found = judge(
            case, way, backward, dout, dtype=dtype, layout=LAYOUTS[layout], tolerance=tolerance
        )
        assert not found, f"{case}: {'; '.join(map(str, found))}"


@pytest.mark.parametrize("backend", ["numpy", "reference"])
def test_a_backend_without_a_choice_takes_the_advice_and_computes_as_always(
    backend: str, public
) -> None:
    forward, _ = public("conv2d", backend)
    x, w = np.random.default_rng(0).random((1, 2, 6, 5)), np.ones((3, 2, 3, 3))
    np.testing.assert_array_equal(forward(x, w, algorithm="winograd")[0], forward(x, w)[0])


def test_winograd_is_refused_where_it_cannot_compute() -> None:
    x = np.ones((1, 2, 9, 9))
    with pytest.raises(OptionError) as caught:
        F.conv2d_forward(x, np.ones((2, 1, 5, 3)), stride=2, groups=2, algorithm="winograd")
    assert str(caught.value) == (
        "conv2d: algorithm='winograd' with a 5x3 window, stride=(2, 2), groups=2\n"
        "  expected: a 3x3 or 5x5 window with stride 1, dilation 1 and one group\n"
        "  to mend:  use algorithm='auto', which takes Winograd's tiles where they can be used "
        "and pay"
    )


# Shapes of x and w, and options: all that filtering along the rows makes different.
ALONG_ROWS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "three taps": ((3, 3, 21, 33), (33, 3, 3, 3), {"padding": 1}),
    "four taps": ((3, 5, 20, 31), (16, 5, 2, 4), {"padding": (0, 2)}),
    "five taps": ((3, 1, 23, 30), (17, 1, 5, 5), {}),
    "six taps": ((2, 9, 27, 28), (50, 9, 6, 6), {"padding": 3}),
    "seven taps": ((2, 3, 25, 35), (19, 3, 7, 7), {"padding": (3, 5)}),
    "every other pixel": ((2, 3, 49, 61), (64, 3, 7, 7), {"stride": 2, "padding": 3}),
    "every third pixel": ((2, 4, 60, 100), (16, 4, 5, 13), {"stride": (2, 3), "padding": (6, 5)}),
    "more padding than window": ((1, 2, 40, 30), (31, 2, 3, 5), {"padding": (3, 9)}),
    "many images of few pixels": ((40, 3, 8, 8), (16, 3, 7, 7), {"padding": 3}),
    "groups": ((6, 12, 20, 33), (40, 6, 5, 5), {"padding": 2, "groups": 2}),
    "groups of one channel": ((19, 3, 13, 13), (60, 1, 7, 7), {"padding": 3, "groups": 3}),
    "groups, every other pixel": (
        (5, 10, 40, 40), (64, 5, 6, 6), {"stride": 2, "padding": 1, "groups": 2},
    ),
}  # fmt: skip


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ALONG_ROWS)
def test_filtering_along_the_rows_holds_the_tolerance_of_winograd(
    name: str, layout: str, bias: bool, public
) -> None:
    x_shape, w_shape, options = ALONG_ROWS[name]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in (x_shape, w_shape, w_shape[:1])]
    x, w, b = (LAYOUTS[layout](a.astype(np.float32)) for a in arrays)
    b = b if bias else None
    forward, _ = public("conv2d", "native")
    out = forward(x, w, b, **options)[0]
    assert not np.array_equal(out, forward(x, w, b, algorithm="direct", **options)[0])

    def exact(*given: Any) -> Any:
        with cnnpy.use_backend("numpy"):
            doubles = (None if a is None else np.asarray(a, dtype=np.float64) for a in given)
            return F.conv2d_forward(*doubles, **options)[0]

    want = exact(x, w, b)
    bound = exact(np.abs(x), np.abs(w), b if b is None else np.abs(b))
    allowed = OPS["conv2d"].other_tolerances["winograd"].k * np.finfo(np.float32).eps
    assert np.all(np.abs(out - want) <= allowed * bound.max(axis=(2, 3), keepdims=True))


# Shapes of x and w, and options, whose gradient towards x takes this way.
BACK_ALONG_ROWS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "three taps": ((3, 30, 22, 23), (13, 30, 3, 3), {"padding": 1}),
    "four taps": ((2, 20, 26, 27), (18, 20, 4, 4), {"padding": 2}),
    "six taps of small maps": ((40, 18, 7, 7), (35, 18, 6, 6), {"padding": 2}),
    "seven taps": ((5, 37, 21, 20), (13, 37, 7, 7), {"padding": (1, 0)}),
    "more padding than window": ((3, 30, 21, 30), (24, 30, 3, 4), {"padding": (3, 5)}),
    "groups": ((6, 60, 24, 24), (60, 30, 3, 3), {"padding": 1, "groups": 2}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", BACK_ALONG_ROWS)
def test_the_gradient_along_the_rows_holds_the_tolerance_of_winograd(
    name: str, layout: str, public
) -> None:
    x_shape, w_shape, options = BACK_ALONG_ROWS[name]
    rng = np.random.default_rng(0)
    x, w = (LAYOUTS[layout](rng.standard_normal(s).astype(np.float32)) for s in (x_shape, w_shape))
    forward, backward = public("conv2d", "native")
    out, cache = forward(x, w, **options)
    dout = LAYOUTS[layout](rng.standard_normal(out.shape).astype(np.float32))

    def gradient(x: Any, w: Any, dout: Any, algorithm: str = "auto") -> Any:
        return backward(dout, forward(x, w, algorithm=algorithm, **options)[1], needs=("x",))[0]

    def exact(dout: Any, w: Any) -> Any:
        with cnnpy.use_backend("numpy"):
            images, filters, given = (np.asarray(a, dtype=np.float64) for a in (x, w, dout))
            _, cache = F.conv2d_forward(images, filters, **options)
            return F.conv2d_backward(given, cache, needs=("x",))[0]

    dx = backward(dout, cache, needs=("x",))[0]
    assert not np.array_equal(dx, gradient(x, w, dout, "direct"))
    want, bound = exact(dout, w), exact(np.abs(dout), np.abs(w))
    allowed = OPS["conv2d"].other_tolerances["winograd"].k * np.finfo(np.float32).eps
    assert np.all(np.abs(dx - want) <= allowed * bound.max(axis=(2, 3), keepdims=True))


def test_large_convolutions_of_float32_take_winograd_and_float64_ones_do_not(public) -> None:
    forward, _ = public("conv2d", "native")
    rng = np.random.default_rng(0)
    for dtype, name in ((np.float32, "winograd"), (np.float64, "direct")):
        x = rng.standard_normal((8, 32, 16, 16)).astype(dtype)
        w = rng.standard_normal((32, 32, 3, 3)).astype(dtype)
        by_itself, asked = (forward(x, w, algorithm=a)[0] for a in ("auto", name))
        np.testing.assert_array_equal(by_itself, asked)
