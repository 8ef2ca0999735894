"""What is tried on ops that slide a window over images."""

from __future__ import annotations

from typing import Any

from cnnpy.check.case import Case, Hand, draw_axis
from cnnpy.check.plans.plan import Plan
from cnnpy.check.plans.values import values_of

__all__ = ["AVG_POOL2D", "CONV2D", "MAX_POOL2D"]

_PLAIN = ("ones", "counting", "integers", "floats")


# --- convolution -------------------------------------------------------------------------


def _conv(
    hand: Hand,
    N: int = 2,
    C: int = 2,
    F: int = 3,
    H: int = 5,
    W: int = 5,
    HH: int = 3,
    WW: int = 3,
    stride: Any = 1,
    padding: Any = 1,
    dilation: Any = 1,
    groups: int = 1,
    bias: bool = True,
    values: str = "floats",
) -> Case:
    arrays = {
        "x": values_of(hand, values, (N, C, H, W)),
        "w": values_of(hand, values, (F, C // groups, HH, WW)),
        "b": values_of(hand, values, (F,)) if bias else None,
    }
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return Case("conv2d", arrays, options)


def _draw_conv(hand: Hand) -> dict[str, Any]:
    sizes: dict[str, Any] = {k: hand.integer(k, 1, 4) for k in ("HH", "WW")}
    stride = hand.integer("stride", 1, 3)
    padding = hand.integer("padding", 0, 3)
    for axis, k in zip("HW", (sizes["HH"], sizes["WW"]), strict=True):
        sizes[axis] = draw_axis(hand, axis, k, padding, 7)
    for axis in "NCF":
        sizes[axis] = hand.integer(axis, 1, 3)
    return {**sizes, "stride": stride, "padding": padding}


CONV2D = Plan(
    "conv2d",
    _conv,
    {
        "as the course tries it": (
            {"C": 3, "H": 4, "W": 4, "HH": 4, "WW": 4, "stride": 2},
            {"N": 4, "C": 3, "F": 2},
        ),
        "padding 0": ({"padding": 0}, {"padding": 0, "stride": 2}),
        "padding 2 and 3": ({"padding": 2}, {"padding": 3}),
        "padding beyond the kernel": (  # a window sees nothing but padding
            {"HH": 1, "WW": 1},
            {"HH": 2, "WW": 2, "padding": 2},
            {"HH": 1, "WW": 1, "padding": 2, "stride": 2},
        ),
        "stride 2 and 3": ({"stride": 2}, {"stride": 3, "H": 7, "W": 7}),
        "kernels 1 to 5": tuple({"HH": k, "WW": k} for k in (1, 2, 4, 5)),
        "rectangular kernel": (
            {"HH": 3, "WW": 2},
            {"HH": 2, "WW": 3},
            {"HH": 1, "WW": 3},
            {"HH": 4, "WW": 1},
            {"HH": 3, "WW": 2, "H": 5, "W": 6, "stride": 2},
        ),
        "non-square input": ({"H": 4, "W": 7}, {"H": 6, "W": 3}),
        "a remainder is left": (
            {"stride": 2, "H": 6, "W": 6},
            {"stride": 3, "H": 8, "W": 8},
            {"stride": 2, "H": 6},
        ),
        "one image, channel, filter": ({"N": 1}, {"C": 1}, {"F": 1}, {"N": 1, "C": 1, "F": 1}),
        "no bias": ({"bias": False},),
        "two strides, two paddings": ({"stride": (2, 1)}, {"padding": (0, 2)}),
        "dilation": ({"dilation": 2}, {"dilation": (1, 2)}),
        "groups": ({"groups": 2, "C": 4, "F": 2}, {"groups": 3, "C": 3}),
    },
    _draw_conv,
    {
        "N": (1,),
        "C": (1, 2),
        "F": (1, 2),
        "groups": (1, 2),
        "HH": (1, 2, 3),
        "WW": (1, 2, 3),
        "H": (1, 2, 3, 4, 5),
        "W": (1, 2, 3, 4, 5),
        "stride": (1, 2),
        "padding": (0, 1, 2),
        "dilation": (1, 2),
        "values": _PLAIN,
    },
    {"stride": 2},
)


# --- pooling -----------------------------------------------------------------------------


def _pool(
    hand: Hand,
    op: str,
    N: int = 2,
    C: int = 3,
    H: int = 4,
    W: int = 4,
    HH: int = 2,
    WW: int = 2,
    stride: Any = 2,
    padding: Any = 0,
    values: str = "floats",
    **options: Any,
) -> Case:
    x = values_of(hand, values, (N, C, H, W))
    fixed = {"kernel_size": (HH, WW), "stride": stride, "padding": padding}
    return Case(op, {"x": x}, {**fixed, **options})


def _max_pool(hand: Hand, **sizes: Any) -> Case:
    return _pool(hand, "max_pool2d", **sizes)


def _avg_pool(hand: Hand, count_include_pad: bool = True, **sizes: Any) -> Case:
    return _pool(hand, "avg_pool2d", count_include_pad=count_include_pad, **sizes)


def _draw_pool(hand: Hand) -> dict[str, Any]:
    sizes: dict[str, Any] = {k: hand.integer(k, 1, 4) for k in ("HH", "WW")}
    for axis, k in zip("HW", (sizes["HH"], sizes["WW"]), strict=True):
        sizes[axis] = draw_axis(hand, axis, k, 0)
    for axis in "NC":
        sizes[axis] = hand.integer(axis, 1, 3)
    return {**sizes, "stride": hand.integer("stride", 1, 3)}


_WINDOWS: dict[str, tuple[dict[str, Any], ...]] = {
    "as the course tries it": ({}, {"N": 3, "C": 2, "H": 8, "W": 8}),
    "windows overlap": (
        {"stride": 1},
        {"HH": 3, "WW": 3, "stride": 2, "H": 7, "W": 7},
        {"HH": 3, "WW": 3, "stride": 1},
    ),
    "gaps between windows": ({"stride": 3, "H": 5, "W": 5}, {"HH": 1, "WW": 1, "stride": 3}),
    "windows 1, 3, 4": tuple({"HH": k, "WW": k, "stride": k, "H": 12, "W": 12} for k in (1, 3, 4)),
    "rectangular window": (  # without an overlap, which is another matter
        {"HH": 2, "WW": 1},
        {"HH": 1, "WW": 2},
        {"HH": 3, "WW": 2, "stride": 3, "H": 9, "W": 8},
        {"HH": 2, "WW": 3, "stride": 3, "H": 8, "W": 9},
    ),
    "non-square input": ({"H": 4, "W": 8}, {"H": 6, "W": 2}),
    "a remainder is left": (
        {"H": 5, "W": 5},
        {"HH": 3, "WW": 3, "stride": 3, "H": 7, "W": 8},
    ),
    "one image, one channel": ({"N": 1}, {"C": 1}, {"N": 1, "C": 1}),
    "two strides": ({"stride": (1, 2)}, {"stride": (2, 1)}),
}
_SMALLER = {
    "N": (1,),
    "C": (1, 2),
    "HH": (1, 2, 3),
    "WW": (1, 2, 3),
    "H": (1, 2, 3, 4, 5),
    "W": (1, 2, 3, 4, 5),
    "stride": (1, 2, 3),
    "padding": (0, 1),
}

_APART = {"HH": 2, "WW": 1, "stride": 3, "H": 5, "W": 4}

MAX_POOL2D = Plan(
    "max_pool2d",
    _max_pool,
    {
        **_WINDOWS,
        "negative values": ({"values": "negative"}, {"values": "negative", "H": 6}),
        "ties": ({"values": "integers"}, {"values": "rectified"}),
        "padding": (
            {"HH": 3, "WW": 3, "padding": 1},
            {"HH": 3, "WW": 3, "padding": 1, "values": "negative"},
        ),
    },
    _draw_pool,
    {**_SMALLER, "values": ("shuffled", "floats")},
    _APART,
)

AVG_POOL2D = Plan(
    "avg_pool2d",
    _avg_pool,
    {
        **_WINDOWS,
        "padding": (
            {"HH": 3, "WW": 3, "padding": 1},
            {"HH": 3, "WW": 3, "padding": 1, "count_include_pad": False},
        ),
    },
    _draw_pool,
    {**_SMALLER, "values": _PLAIN},
    _APART,
)
