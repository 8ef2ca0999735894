"""The shape rules against counting, and against each other."""

from __future__ import annotations

import itertools

import hypothesis
import pytest
from hypothesis import strategies as st

from cnnpy.contract import OPS, ShapeError, shapes
from cnnpy.contract.shapes import out_size


def places(size: int, window: int, stride: int, padding: int, dilation: int) -> int:
    """Count: put the window at every pixel and see where it fits."""
    padded = range(size + 2 * padding)
    starts = [start for start in padded if start % stride == 0]
    return sum(all(start + u * dilation in padded for u in range(window)) for start in starts)


def test_the_output_size_is_the_number_of_places_that_can_be_counted() -> None:
    for size, window, stride, padding, dilation in itertools.product(
        range(1, 9), range(1, 6), range(1, 5), range(4), range(1, 4)
    ):
        counted = places(size, window, stride, padding, dilation)
        assert max(out_size(size, window, stride, padding, dilation), 0) == counted


CONV = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}


def test_a_window_that_just_fits_gives_one_place_and_one_that_does_not_an_error() -> None:
    for dilation, padding in itertools.product(range(1, 4), range(3)):
        options = CONV | {"dilation": (1, dilation), "padding": (0, padding)}
        reach = dilation * 2 + 1
        width = reach - 2 * padding
        if width < 1:
            continue
        assert shapes.conv2d((5, 1, 4, width), (2, 1, 4, 3), None, **options) == (5, 2, 1, 1)
        if width > 1:
            with pytest.raises(ShapeError):
                shapes.conv2d((5, 1, 4, width - 1), (2, 1, 4, 3), None, **options)


sizes = st.tuples(
    st.integers(1, 40), st.integers(1, 7), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3)
)


@hypothesis.given(h=sizes, w=sizes)
def test_conv_transpose2d_gives_back_the_size_that_conv2d_started_from(
    h: tuple[int, ...], w: tuple[int, ...]
) -> None:
    """With the output_padding that stands for the remainder."""
    (H, HH, stride_h, pad_h, dilation_h), (W, WW, stride_w, pad_w, dilation_w) = h, w
    options = {
        "stride": (stride_h, stride_w),
        "padding": (pad_h, pad_w),
        "dilation": (dilation_h, dilation_w),
        "groups": 1,
    }
    hypothesis.assume(min(out_size(*h), out_size(*w)) >= 1)
    down = shapes.conv2d((1, 2, H, W), (3, 2, HH, WW), (3,), **options)
    rest = tuple((size + 2 * p - d * (k - 1) - 1) % s for size, k, s, p, d in (h, w))
    up = shapes.conv_transpose2d(down, (3, 2, HH, WW), (2,), output_padding=rest, **options)
    assert up == (1, 2, H, W)


@pytest.mark.parametrize("op", ["max_pool2d", "avg_pool2d"])
def test_pooling_takes_padding_up_to_half_the_window(op: str) -> None:
    rule, options = getattr(shapes, op), {"stride": (1, 1)}
    if op == "avg_pool2d":
        options["count_include_pad"] = True
    for k in range(1, 7):
        for p in range(7):
            padding = {"kernel_size": (1, k), "padding": (0, p)}
            if 2 * p <= k:
                assert rule((1, 1, 1, 9), **options, **padding)[3] == 9 + 2 * p - k + 1
            else:
                with pytest.raises(ShapeError):
                    rule((1, 1, 1, 9), **options, **padding)


def test_every_rule_takes_the_options_of_its_row() -> None:
    import inspect

    for row in OPS.values():
        parameters = inspect.signature(row.shape).parameters
        if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            continue  # the rule of ops that keep the shape
        keywords = [n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY]
        assert set(keywords) == {o.name for o in row.options} | {i.name for i in row.keyword}


@pytest.mark.parametrize(
    ("op", "given", "options", "flops"),
    [
        # 4*6*6 outputs of 3*3*3 multiplications and additions, and the bias
        ("conv2d", [(1, 3, 8, 8), (4, 3, 3, 3), (4,)], CONV, 4 * 6 * 6 * (2 * 27 + 1)),
        ("conv2d", [(1, 3, 8, 8), (4, 3, 3, 3), None], CONV, 4 * 6 * 6 * 2 * 27),
        # in two groups each filter sees half of the channels
        ("conv2d", [(1, 4, 8, 8), (4, 2, 3, 3), None], CONV | {"groups": 2}, 144 * 2 * 18),
        ("linear", [(5, 7), (3, 7), (3,)], {}, 5 * 3 * 15),
        ("relu", [(5, 7)], {}, 35),
        ("flatten", [(5, 7, 2)], {}, 0),
    ],
)
def test_operations_are_counted(op: str, given: list, options: dict, flops: int) -> None:
    row = OPS[op]
    assert row.flops(row.shape(*given, **options), *given, **options) == flops
