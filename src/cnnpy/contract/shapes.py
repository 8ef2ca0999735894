"""The shape rule of every op, written once, on plain integers.

Each function takes the shapes of an op's inputs (tuples of int, ``None`` for an
input that is left out) and its options as they stand after
:mod:`cnnpy.contract.validate` (pairs are pairs), and returns the shape of the
output or raises :class:`~cnnpy.contract.errors.ShapeError`. Layers, kernels,
exporters and tests receive their sizes from here.
"""

from __future__ import annotations

import math

from cnnpy.contract.errors import ShapeError
from cnnpy.contract.shape_errors import (
    add_hint,
    at_most,
    channel_error,
    filter_groups_error,
    groups_error,
    per_channel_error,
    same_shape_hint,
    target_error,
    transpose_hint,
)

Shape = tuple[int, ...]
Pair = tuple[int, int]
Sides = tuple[int, int, int, int]

__all__ = [
    "Pair",
    "Shape",
    "Sides",
    "add",
    "as_pair",
    "avg_pool2d",
    "batch_norm",
    "concat",
    "conv2d",
    "conv_transpose2d",
    "dropout",
    "flatten",
    "global_avg_pool2d",
    "group_norm",
    "hinge",
    "layer_norm",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mean_squared_error",
    "out_size",
    "pad2d",
    "same",
    "softmax",
    "softmax_cross_entropy",
    "upsample_nearest2d",
]


def out_size(size: int, window: int, stride: int, padding: int, dilation: int) -> int:
    """Count the places of a window along one axis.

    The padded axis has ``size + 2*padding`` entries; a dilated window covers
    ``dilation*(window - 1) + 1`` of them; it can stand at the first place and at
    every ``stride``-th one after it for as long as it fits, the remainder being
    dropped.

    Parameters
    ----------
    size, window, stride, padding, dilation : int
        Of one axis, in pixels.

    Returns
    -------
    int
        ``1 + (size + 2*padding - dilation*(window - 1) - 1) // stride``, which is
        below 1 where the window does not fit.

    Examples
    --------
    >>> out_size(32, window=7, stride=1, padding=3, dilation=1)
    32
    >>> out_size(31, window=3, stride=2, padding=1, dilation=1)
    16
    """
    return 1 + (size + 2 * padding - dilation * (window - 1) - 1) // stride


def as_pair(value: int | Pair) -> Pair:
    """Return (value, value) for an integer, and a pair as it is: (along H, along W)."""
    return (value, value) if isinstance(value, int) else value


def conv2d(
    x: Shape, w: Shape, b: Shape | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Shape:
    """Return (N, F, H_out, W_out) of a convolution."""
    N, C, H, W = x
    F, C_group, HH, WW = w
    _positive("conv2d", "x", "N C H W", x, free="N H W")
    _positive("conv2d", "w", "F C HH WW", w)
    if F % groups:
        raise filter_groups_error(x, w, groups)
    if C != C_group * groups:
        raise channel_error(x, w, groups)
    _bias("conv2d", b, F)
    H_out, W_out = _window_sizes("conv2d", (H, W), (HH, WW), stride, padding, dilation)
    return N, F, H_out, W_out


def conv_transpose2d(
    x: Shape,
    w: Shape,
    b: Shape | None,
    *,
    stride: Pair,
    padding: Pair,
    output_padding: Pair,
    dilation: Pair,
    groups: int,
) -> Shape:
    """Return (N, F, H_out, W_out) of a transposed convolution."""
    op = "conv_transpose2d"
    N, C, H, W = x
    C_w, F_group, HH, WW = w
    _positive(op, "x", "N C H W", x, free="N")
    _positive(op, "w", "C F HH WW", w)
    if C != C_w:
        raise ShapeError(
            f"{op}: x has shape {x}, so C={C}; w has shape {w}, so C={C_w}",
            "the same C in x (N, C, H, W) and w (C, F/groups, HH, WW)",
            transpose_hint(x, C_w)
            or (
                "w looks like (F, C, HH, WW): use w.transpose(1, 0, 2, 3)"
                if F_group == C
                else f"give w the shape ({C}, {F_group}, {HH}, {WW})"
            ),
        )
    if C % groups:
        raise groups_error(op, "C", C, "x", x, groups)
    F = F_group * groups
    _bias(op, b, F)
    sizes = []
    for axis, size, window, s, p, extra, d in zip(
        "HW", (H, W), (HH, WW), stride, padding, output_padding, dilation, strict=True
    ):
        if extra >= max(s, d):
            raise ShapeError(
                f"{op}: output_padding={extra} along {axis}, with stride={s} and dilation={d}",
                "output_padding smaller than stride or dilation: it only tells apart the sizes "
                "that a convolution of this stride rounds down to the same",
                f"use output_padding={at_most(max(s, d) - 1)}",
            )
        out = (size - 1) * s - 2 * p + d * (window - 1) + extra + 1
        if out < 1:
            raise ShapeError(
                f"{op}: padding={p} takes away all of {axis}_out: {out + 2 * p} - 2*{p} = {out}",
                f"{axis}_out of at least 1",
                f"use padding={at_most((out + 2 * p - 1) // 2)} along {axis}",
            )
        sizes.append(out)
    return N, F, sizes[0], sizes[1]


def max_pool2d(x: Shape, *, kernel_size: Pair, stride: Pair, padding: Pair) -> Shape:
    """Return (N, C, H_out, W_out) of a max pooling."""
    return _pool("max_pool2d", x, kernel_size, stride, padding)


def avg_pool2d(
    x: Shape, *, kernel_size: Pair, stride: Pair, padding: Pair, count_include_pad: bool
) -> Shape:
    """Return (N, C, H_out, W_out) of a mean pooling."""
    return _pool("avg_pool2d", x, kernel_size, stride, padding)


def global_avg_pool2d(x: Shape) -> Shape:
    """Return (N, C, 1, 1)."""
    _positive("global_avg_pool2d", "x", "N C H W", x, free="N C")
    return x[0], x[1], 1, 1


def linear(x: Shape, w: Shape, b: Shape | None) -> Shape:
    """Return (N, M) of a fully connected layer."""
    (N, D), (M, D_w) = x, w
    if D != D_w:
        raise ShapeError(
            f"linear: x has shape {x}, so D={D}; w has shape {w}, so D={D_w}",
            "the same D in x (N, D) and w (M, D)",
            "w looks like (D, M): use w.T"
            if M == D
            else f"give w the shape ({M}, {D}), or x {D_w} features",
        )
    _bias("linear", b, M, letter="M")
    return N, M


def flatten(x: Shape) -> Shape:
    """Return (N, D): the batch axis and everything else."""
    return x[0], math.prod(x[1:])


def same(x: Shape, **_: object) -> Shape:
    """Return the shape of x: the rule of every op that works entry by entry."""
    return x


def softmax(x: Shape, *, axis: int) -> Shape:
    """Return the shape of x, of which `axis` must be an axis with entries."""
    return _along_axis("softmax", x, axis)


def log_softmax(x: Shape, *, axis: int) -> Shape:
    """Return the shape of x, of which `axis` must be an axis with entries."""
    return _along_axis("log_softmax", x, axis)


def softmax_cross_entropy(x: Shape, target: Shape, *, label_smoothing: float) -> Shape:
    """Return (): one number, the mean over the batch."""
    _classes("softmax_cross_entropy", x)
    if target not in ((x[0],), x):
        raise target_error("softmax_cross_entropy", x, target, f", or probabilities of shape {x}")
    return ()


def hinge(x: Shape, target: Shape) -> Shape:
    """Return (): one number, the mean over the batch."""
    _classes("hinge", x)
    if target != (x[0],):
        raise target_error("hinge", x, target, "")
    return ()


def mean_squared_error(x: Shape, target: Shape) -> Shape:
    """Return (): one number, the mean over all entries."""
    if x != target:
        raise ShapeError(
            f"mean_squared_error: x has shape {x}; target has shape {target}",
            "the same shape for both: nothing is broadcast",
            same_shape_hint("target", x, target),
        )
    return ()


def batch_norm(
    x: Shape,
    gamma: Shape | None,
    beta: Shape | None,
    *,
    running_mean: Shape | None,
    running_var: Shape | None,
    train: bool,
    momentum: float,
    eps: float,
) -> Shape:
    """Return the shape of x, (N, C) or (N, C, H, W)."""
    op = "batch_norm"
    C = x[1]
    for name, shape in (
        ("gamma", gamma),
        ("beta", beta),
        ("running_mean", running_mean),
        ("running_var", running_var),
    ):
        if shape is not None and shape != (C,):
            raise per_channel_error(op, x, name, shape)
    statistics = {"running_mean": running_mean, "running_var": running_var}
    missing = [name for name, shape in statistics.items() if shape is None]
    if not train and missing:
        raise ShapeError(
            f"{op}: train=False without {' and '.join(missing)}",
            f"the running statistics, each of shape ({C},)",
            f"give {' and '.join(f'{name}=' for name in missing)}, or use train=True",
        )
    if train and running_var is not None and x[0] * math.prod(x[2:]) == 1:
        raise ShapeError(
            f"{op}: x has shape {x}: one value a channel, whose unbiased variance is 0/0",
            "at least two values a channel when train=True updates running_var",
            "use a batch of at least 2, or train=False",
        )
    return x


def layer_norm(
    x: Shape, gamma: Shape | None, beta: Shape | None, *, axis: int, eps: float
) -> Shape:
    """Return the shape of x; the axes from `axis` to the last are normalised together."""
    op = "layer_norm"
    if not -len(x) <= axis < len(x):
        raise ShapeError(
            f"{op}: axis={axis} for x of shape {x}",
            f"an axis from {-len(x)} to {len(x) - 1}",
            "use axis=1 for all axes but the batch, axis=-1 for the last"
            if len(x) > 1
            else "use axis=-1, the last",
        )
    normalized = x[axis:]
    if math.prod(normalized) == 0:
        raise ShapeError(
            f"{op}: x has shape {x} and axis={axis}: nothing to normalise in {normalized}",
            "at least one entry along each of the normalised axes",
            f"give x at least one entry along axis {axis % len(x) + normalized.index(0)}",
        )
    for name, shape in (("gamma", gamma), ("beta", beta)):
        if shape is not None and shape != normalized:
            fits = [a for a in range(len(x)) if x[a:] == shape]
            raise ShapeError(
                f"{op}: x has shape {x} and axis={axis}; {name} has shape {shape}",
                f"{name} of the normalised axes' shape {normalized}",
                f"use axis={fits[0]}" if fits else f"give {name} the shape {normalized}",
            )
    return x


def group_norm(
    x: Shape, gamma: Shape | None, beta: Shape | None, *, groups: int, eps: float
) -> Shape:
    """Return the shape of x, (N, C) or (N, C, H, W)."""
    op = "group_norm"
    C = x[1]
    if C == 0 or math.prod(x[2:]) == 0:
        raise ShapeError(
            f"{op}: x has shape {x}: nothing to normalise",
            "at least one channel and one pixel",
            f"give x at least one entry along axis {x.index(0, 1)}",
        )
    if C % groups:
        raise groups_error(op, "C", C, "x", x, groups)
    for name, shape in (("gamma", gamma), ("beta", beta)):
        if shape is not None and shape != (C,):
            raise per_channel_error(op, x, name, shape)
    return x


def dropout(x: Shape, *, mask: Shape | None, p: float) -> Shape:
    """Return the shape of x, which the mask shares."""
    if mask is not None and mask != x:
        raise ShapeError(
            f"dropout: x has shape {x}; mask has shape {mask}",
            "one entry of the mask for each entry of x",
            f"give mask the shape {x}",
        )
    return x


def add(x: Shape, y: Shape) -> Shape:
    """Return the shape that both inputs have."""
    if x != y:
        raise ShapeError(
            f"add: x has shape {x}; y has shape {y}",
            "the same shape for both: nothing is broadcast",
            add_hint(x, y),
        )
    return x


def concat(xs: tuple[Shape, ...], *, axis: int) -> Shape:
    """Return the shape of the inputs laid one behind the other along `axis`."""
    if not xs:
        raise ShapeError(
            "concat: no array was given", "at least one", "give a list: concat_forward([x, y])"
        )
    first = xs[0]
    if not -len(first) <= axis < len(first):
        raise ShapeError(
            f"concat: axis={axis} for arrays of shape {first}",
            f"an axis from {-len(first)} to {len(first) - 1}" if first else "at least one axis",
            "use axis=1, the channels"
            if len(first) > 1
            else ("use axis=0" if first else "give each array an axis: xs[0].reshape(1)"),
        )
    at = axis % len(first)
    for k, shape in enumerate(xs):
        if len(shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(first, shape, strict=True)) if i != at
        ):
            raise ShapeError(
                f"concat: xs[0] has shape {first}; xs[{k}] has shape {shape}; axis={axis}",
                f"shapes that differ along axis {axis} only",
                f"bring xs[{k}] to the shape "
                f"{tuple('any' if i == at else size for i, size in enumerate(first))}".replace(
                    "'", ""
                ),
            )
    return (*first[:at], sum(shape[at] for shape in xs), *first[at + 1 :])


def pad2d(x: Shape, *, padding: Sides, mode: str, value: float) -> Shape:
    """Return (N, C, top + H + bottom, left + W + right)."""
    N, C, H, W = x
    top, bottom, left, right = padding
    limits = {
        "constant": (None, None, ""),
        "reflect": (H - 1, W - 1, ", less than the image, whose edge is not repeated"),
        "replicate": (None if H else 0, None if W else 0, ": there is no edge to repeat"),
        "circular": (H, W, ", once round the image"),
    }
    limit_h, limit_w, reason = limits[mode]
    for axis, size, limit, pads in (
        ("H", H, limit_h, (top, bottom)),
        ("W", W, limit_w, (left, right)),
    ):
        if limit is not None and max(pads) > limit:
            raise ShapeError(
                f"pad2d: padding of {max(pads)} along {axis}={size} with mode={mode!r}",
                f"padding of at most {max(limit, 0)}{reason}",
                f"use padding={at_most(max(limit, 0))} along {axis}, or mode='constant'",
            )
    return N, C, top + H + bottom, left + W + right


def upsample_nearest2d(x: Shape, *, scale_factor: Pair) -> Shape:
    """Return (N, C, H*scale_h, W*scale_w)."""
    N, C, H, W = x
    return N, C, H * scale_factor[0], W * scale_factor[1]


# --- the parts that several rules share ------------------------------------------


def _window_sizes(
    op: str, sizes: Pair, window: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Pair:
    outs = []
    for axis, size, k, s, p, d in zip("HW", sizes, window, stride, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        if size + 2 * p < reach:
            name = axis + axis
            dilated = f", which reaches over {reach} at dilation {d}," if d > 1 else ""
            if size == 0:
                mend = f"give x an {axis} of at least {max(reach - 2 * p, 1)}"
            else:
                mend = (
                    f"use padding={-(-(reach - size) // 2)} along {axis}, a smaller window, "
                    f"or an image with {axis} of at least {reach - 2 * p}"
                )
            raise ShapeError(
                f"{op}: a window of {name}={k}{dilated} does not fit into {axis}={size} "
                f"with padding {p}",
                f"{axis} + 2*padding of at least {reach}; it is {size + 2 * p}",
                mend,
            )
        outs.append(out_size(size, k, s, p, d))
    return outs[0], outs[1]


def _pool(op: str, x: Shape, kernel_size: Pair, stride: Pair, padding: Pair) -> Shape:
    N, C, H, W = x
    for axis, k, p in zip("HW", kernel_size, padding, strict=True):
        if 2 * p > k:
            raise ShapeError(
                f"{op}: padding={p} along {axis} for a window of {k}",
                "padding of at most half the window, so that no window lies outside the image",
                f"use padding={at_most(k // 2)} along {axis}, or pad2d before the pooling",
            )
    H_out, W_out = _window_sizes(op, (H, W), kernel_size, stride, padding, (1, 1))
    return N, C, H_out, W_out


def _positive(op: str, name: str, letters: str, shape: Shape, free: str = "") -> None:
    for letter, size in zip(letters.split(), shape, strict=True):
        if size == 0 and letter not in free.split():
            raise ShapeError(
                f"{op}: {name} has shape {shape}, so {letter}=0",
                f"{letter} of at least 1 in {name} ({letters.replace(' ', ', ')})",
                f"give {name} at least one entry along {letter}",
            )


def _bias(op: str, b: Shape | None, F: int, letter: str = "F") -> None:
    if b is not None and b != (F,):
        raise ShapeError(
            f"{op}: b has shape {b}; the output has {letter}={F}",
            f"b of shape ({F},), or None",
            "use b.reshape(-1)"
            if math.prod(b) == F
            else f"give b the shape ({F},), one value for each of the {letter} outputs",
        )


def _classes(op: str, x: Shape) -> None:
    if x[1] == 0:
        raise ShapeError(
            f"{op}: x has shape {x}, so K=0 classes",
            "at least one class in x (N, K)",
            "give x one score a class",
        )


def _along_axis(op: str, x: Shape, axis: int) -> Shape:
    if not -len(x) <= axis < len(x):
        raise ShapeError(
            f"{op}: axis={axis} for x of shape {x}",
            f"an axis from {-len(x)} to {len(x) - 1}" if x else "at least one axis",
            "use axis=-1, the last" if x else "give x an axis: x.reshape(1)",
        )
    if x[axis] == 0:
        raise ShapeError(
            f"{op}: x has shape {x}, so no entry along axis {axis}",
            "at least one entry to share the probability out to",
            f"give x at least one entry along axis {axis}",
        )
    return x
