"""What is tried on ops that slide a window: each property by itself, then all at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from cnnpy.check.case import Case, RandomHand
from cnnpy.check.plans.probe import Builder, Probe, variants

__all__ = ["avg_pool2d", "conv2d", "max_pool2d"]


def conv2d(hand: RandomHand) -> Iterator[Probe]:
    """Give the probes of a convolution.

    Parameters
    ----------
    hand : RandomHand
        Draws the values.

    Yields
    ------
    Probe
        In the order of the report.
    """
    build = partial(_conv, hand)
    course = {"C": 3, "F": 3, "H": 4, "W": 4, "HH": 4, "WW": 4, "stride": 2}
    yield from variants(build, "as the course tries it", course, {"N": 4, "C": 3, "F": 2})
    yield from variants(build, "padding 0", {"padding": 0}, {"padding": 0, "stride": 2})
    yield from variants(build, "padding 2 and 3", {"padding": 2}, {"padding": 3})
    yield from variants(build, "stride 2 and 3", {"stride": 2}, {"stride": 3, "H": 7, "W": 7})
    sizes = [{"HH": k, "WW": k} for k in (1, 2, 4, 5)]
    yield from variants(build, "kernels 1 to 5", *sizes)
    rectangles = [{"HH": 3, "WW": 2}, {"HH": 2, "WW": 3}, {"HH": 1, "WW": 3}, {"HH": 4, "WW": 1}]
    yield from variants(build, "rectangular kernel", *rectangles)
    yield from variants(build, "non-square input", {"H": 4, "W": 7}, {"H": 6, "W": 3})
    yield from variants(
        build,
        "a remainder is left",
        {"stride": 2, "H": 6, "W": 6},
        {"stride": 3, "padding": 0, "H": 7, "W": 8},
    )
    few = ({"N": 1}, {"C": 1}, {"F": 1}, {"N": 1, "C": 1, "F": 1})
    yield from variants(build, "one image, channel, filter", *few)
    yield from variants(build, "no bias", {"bias": False})
    yield from variants(build, "two strides, two paddings", {"stride": (2, 1), "padding": (0, 2)})
    yield from variants(build, "dilation", {"dilation": 2}, {"dilation": (1, 2)})
    yield from variants(build, "groups", {"groups": 2, "C": 4, "F": 2}, {"groups": 3, "C": 3})
    yield from _dtypes_and_layouts(build)


def _conv(
    hand: RandomHand,
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
) -> Case:
    arrays = {
        "x": hand.floats((N, C, H, W)),
        "w": hand.floats((F, C // groups, HH, WW)),
        "b": hand.floats((F,)) if bias else None,
    }
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return Case("conv2d", arrays, options)


def max_pool2d(hand: RandomHand) -> Iterator[Probe]:
    """Give the probes of max pooling.

    Parameters
    ----------
    hand : RandomHand
        Draws the values.

    Yields
    ------
    Probe
        In the order of the report.
    """
    build = partial(_pool, hand, "max_pool2d")
    yield from _windows(build)
    yield from variants(build, "negative values", {"sign": -1}, {"sign": -1, "stride": 1})
    yield from variants(build, "ties", {"values": "ties"}, {"values": "zeros"})
    yield from variants(
        build, "padding", {"k": 3, "padding": 1}, {"k": 3, "padding": 1, "sign": -1}
    )
    yield from _dtypes_and_layouts(build)


def avg_pool2d(hand: RandomHand) -> Iterator[Probe]:
    """Give the probes of mean pooling.

    Parameters
    ----------
    hand : RandomHand
        Draws the values.

    Yields
    ------
    Probe
        In the order of the report.
    """
    build = partial(_pool, hand, "avg_pool2d")
    yield from _windows(build)
    outside = ({"k": 3, "padding": 1}, {"k": 3, "padding": 1, "count_include_pad": False})
    yield from variants(build, "padding", *outside)
    yield from _dtypes_and_layouts(build)


def _windows(build: Builder) -> Iterator[Probe]:
    yield from variants(build, "as the course tries it", {}, {"N": 3, "C": 2, "H": 8, "W": 8})
    yield from variants(
        build,
        "windows overlap",
        {"k": 2, "stride": 1},
        {"k": 3, "stride": 2, "H": 7, "W": 7},
        {"k": 3, "stride": 1},
    )
    yield from variants(
        build, "gaps between windows", {"k": 2, "stride": 3, "H": 5, "W": 5}, {"k": 1, "stride": 3}
    )
    yield from variants(
        build, "windows 1, 3, 4", *({"k": k, "stride": k, "H": 12, "W": 12} for k in (1, 3, 4))
    )
    yield from variants(
        build,
        "rectangular window",
        # without an overlap, which is another matter
        {"k": (2, 1)},
        {"k": (1, 2)},
        {"k": (3, 2), "stride": 3, "H": 9, "W": 8},
        {"k": (2, 3), "stride": 3, "H": 8, "W": 9},
    )
    yield from variants(build, "non-square input", {"H": 4, "W": 8}, {"H": 6, "W": 2})
    remainders = ({"H": 5, "W": 5}, {"k": 3, "stride": 2, "H": 6, "W": 8})
    yield from variants(build, "a remainder is left", *remainders)
    yield from variants(build, "one image, one channel", {"N": 1}, {"C": 1}, {"N": 1, "C": 1})
    yield from variants(build, "two strides", {"k": 2, "stride": (1, 2)})


def _pool(
    hand: RandomHand,
    op: str,
    N: int = 2,
    C: int = 3,
    H: int = 4,
    W: int = 4,
    k: Any = 2,
    stride: Any = 2,
    padding: Any = 0,
    sign: int = 0,
    values: str = "floats",
    **options: Any,
) -> Case:
    x = hand.floats((N, C, H, W), coarse=values == "ties")
    if values == "zeros":  # as behind a ReLU: many zeros, no other value twice
        x = np.maximum(x, 0.0)
    if sign:
        x = sign * np.abs(x) - 0.5
    more = {"count_include_pad": True} if op == "avg_pool2d" else {}
    fixed = {"kernel_size": k, "stride": stride, "padding": padding}
    return Case(op, {"x": x}, {**fixed, **more, **options})


def _dtypes_and_layouts(build: Builder) -> Iterator[Probe]:
    for change in ({}, {"stride": 2}):
        yield Probe("float32", build(**change), dtype=np.float32)
    for layout in ("channels-last", "every second", "backwards"):
        yield Probe("any memory layout", build(), layout=layout)
    yield Probe("read-only inputs", build(), layout="read-only")
