"""What the shape rules say where shapes do not fit: given, expected, to mend.

The third line is worked out from the shapes that were given: the axes that look
exchanged, the nearest number that would divide.
"""

from __future__ import annotations

import math

from cnnpy.contract.errors import ShapeError

Shape = tuple[int, ...]

__all__ = [
    "add_hint",
    "at_most",
    "channel_error",
    "filter_groups_error",
    "groups_error",
    "per_channel_error",
    "same_shape_hint",
    "target_error",
    "transpose_hint",
]


def channel_error(x: Shape, w: Shape, groups: int) -> ShapeError:
    """Say that x and w differ in C."""
    C, C_group = x[1], w[1]
    if groups == 1:
        given = f"conv2d: x has shape {x}, so C={C}; w has shape {w}, so C={C_group}"
        expected = "the same C in x (N, C, H, W) and w (F, C, HH, WW)"
    else:
        given = (
            f"conv2d: x has shape {x}, so C={C}; w has shape {w} and groups={groups}, "
            f"so C={C_group}*{groups}={C_group * groups}"
        )
        expected = "C in x (N, C, H, W) equal to groups times the C of w (F, C/groups, HH, WW)"
    mend = transpose_hint(x, C_group * groups)
    if mend is None and w[3] * groups == C:
        mend = "w looks like (F, HH, WW, C): use w.transpose(0, 3, 1, 2)"
    elif mend is None and w[0] == C and groups == 1:
        mend = "w looks like (C, F, HH, WW): use w.transpose(1, 0, 2, 3)"
    elif mend is None and C % C_group == 0 and w[0] % (C // C_group) == 0:
        mend = f"use groups={C // C_group}, or filters with C={C}"
    elif mend is None and C % groups:
        groups = _nearest_divisor(math.gcd(C, w[0]), groups)
        mend = f"use groups={groups} and give w the shape {(w[0], C // groups, *w[2:])}"
    return ShapeError(given, expected, mend or f"give w the shape {(w[0], C // groups, *w[2:])}")


def filter_groups_error(x: Shape, w: Shape, groups: int) -> ShapeError:
    """Say that the groups do not divide the filters."""
    (_, C, _, _), (F, C_group, _, _) = x, w
    if C == C_group * groups:
        fewer, more = F - F % groups, F - F % groups + groups
        mend = f"give w {fewer} or {more} filters" if fewer else f"give w {more} filters"
    elif C % C_group == 0 and F % (C // C_group) == 0:
        mend = f"use groups={C // C_group}: x has {C} channels and w has {C_group}"
    else:
        mend = f"use groups={_nearest_divisor(math.gcd(C, F), groups)}"
    return ShapeError(
        f"conv2d: w has shape {w}, so F={F}, which groups={groups} does not divide",
        "groups that divide F",
        mend,
    )


def groups_error(
    op: str, letter: str, size: int, name: str, shape: Shape, groups: int
) -> ShapeError:
    """Say that the groups do not divide an axis."""
    return ShapeError(
        f"{op}: {name} has shape {shape}, so {letter}={size}, which groups={groups} "
        f"does not divide",
        f"groups that divide {letter}",
        f"use groups={_nearest_divisor(size, groups)}",
    )


def per_channel_error(op: str, x: Shape, name: str, shape: Shape) -> ShapeError:
    """Say that an array has not one value a channel."""
    C = x[1]
    return ShapeError(
        f"{op}: x has shape {x}, so C={C}; {name} has shape {shape}",
        f"{name} of shape ({C},): one value a channel",
        f"use {name}.reshape(-1)" if math.prod(shape) == C else f"give {name} the shape ({C},)",
    )


def target_error(op: str, x: Shape, target: Shape, otherwise: str) -> ShapeError:
    """Say that the targets are not one an image."""
    N, K = x
    if target[0] == N:  # so these are probabilities
        mend = f"give {K} probabilities a row, or x {target[1]} scores a row"
    else:
        mend = f"give x and target as many rows: x has {N}, target has {target[0]}"
    return ShapeError(
        f"{op}: x has shape {x}; target has shape {target}",
        f"target of shape ({N},) with class indices 0 to {K - 1}{otherwise}",
        mend,
    )


def transpose_hint(x: Shape, C: int) -> str | None:
    """Guess whether x has its channels last, as most image readers give them."""
    if x[3] == C and x[1] != C:
        return "x looks like NHWC: use x.transpose(0, 3, 1, 2)"
    return None


def same_shape_hint(name: str, wanted: Shape, given: Shape) -> str:
    """Tell how an array is brought to a shape that it should have."""
    if len(wanted) == 2 and given == wanted[::-1]:
        return f"use {name}.T"
    if math.prod(wanted) == math.prod(given):
        return f"use {name}.reshape({wanted})"
    return f"give {name} the shape {wanted}"


def add_hint(x: Shape, y: Shape) -> str:
    """Tell how two arrays come to one shape."""
    if _broadcasts(y, x):
        return f"use np.broadcast_to(y, {x})"
    if _broadcasts(x, y):
        return f"use np.broadcast_to(x, {y})"
    if len(x) == 4:
        return f"bring y to the shape {x}, in a residual block with a 1x1 convolution"
    return f"give y the shape {x}"


def _broadcasts(source: Shape, to: Shape) -> bool:
    """Tell whether NumPy would broadcast one shape to another."""
    if len(source) > len(to):
        return False
    return all(a in (1, b) for a, b in zip(source[::-1], to[::-1], strict=False))


def at_most(limit: int) -> str:
    """Write an upper limit of a number that cannot be below 0."""
    return f"{limit} or less" if limit else "0"


def _nearest_divisor(size: int, wish: int) -> int:
    divisors = [g for g in range(1, size + 1) if size % g == 0]
    return min(divisors, key=lambda g: abs(g - wish))
