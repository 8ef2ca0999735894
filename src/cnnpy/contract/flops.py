"""Floating-point operations of each op's forward pass.

A multiplication and an addition count one each; an exponential, a root or a
division count one too, which makes the figures of activations and norms a
convention rather than a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from cnnpy.contract.shapes import Pair, Shape

__all__ = ["conv2d", "conv_transpose2d", "linear", "none", "per_input", "per_output", "pool2d"]


def conv2d(out: Shape, x: Shape, w: Shape, b: Shape | None, **options: object) -> int:
    """Count 2·C/groups·HH·WW for each output, and one more for the bias."""
    _, C_group, HH, WW = w
    return math.prod(out) * (2 * C_group * HH * WW + (b is not None))


def conv_transpose2d(out: Shape, x: Shape, w: Shape, b: Shape | None, **options: object) -> int:
    """Count 2·F/groups·HH·WW for each input, and one for the bias of each output."""
    _, F_group, HH, WW = w
    return math.prod(x) * 2 * F_group * HH * WW + math.prod(out) * (b is not None)


def linear(out: Shape, x: Shape, w: Shape, b: Shape | None, **options: object) -> int:
    """Count 2·D for each output, and one more for the bias."""
    return math.prod(out) * (2 * x[1] + (b is not None))


def pool2d(out: Shape, x: Shape, *, kernel_size: Pair, **options: object) -> int:
    """Count one for each entry of each window."""
    return math.prod(out) * math.prod(kernel_size)


def per_output(count: int) -> Callable[..., int]:
    """Count `count` for each entry of the output."""

    def flops(out: Shape, *shapes: object, **options: object) -> int:
        return count * math.prod(out)

    return flops


def per_input(count: int) -> Callable[..., int]:
    """Count `count` for each entry of x."""

    def flops(out: Shape, x: Shape, *shapes: object, **options: object) -> int:
        return count * math.prod(x)

    return flops


none = per_output(0)
