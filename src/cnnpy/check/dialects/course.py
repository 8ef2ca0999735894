"""The dialect of Stanford cs231n: its names, parameter dictionaries and conventions.

Here are convolution, pooling, the fully connected layer, relu, dropout and the losses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cnnpy.check.breakages import one_mask_for_all
from cnnpy.check.case import SEED, Case
from cnnpy.check.dialects.dialect import Arguments, Dialect
from cnnpy.check.outcome import Misshapen
from cnnpy.check.window import Window, window_of
from cnnpy.contract.shapes import as_pair

__all__ = [
    "LAYERS",
    "affine",
    "as_rows",
    "conv_param",
    "in_a_row",
    "pool_param",
    "turned",
    "with_its_mask",
]


def _suffixed(name: str, *suffixes: str) -> tuple[str, ...]:
    return tuple(f"{name}_{suffix}" if suffix else name for suffix in suffixes)


def in_a_row(values: Mapping[str, Any], parameters: Any = None, **more: Any) -> Arguments:
    """Stand the inputs in a row, with parameters behind them."""
    names = {name: str(k) for k, name in enumerate(values)}
    return Arguments([*values.values(), *([] if parameters is None else [parameters])], more, names)


# --- convolution and pooling -------------------------------------------------------------


def conv_param(case: Case) -> dict[str, int]:
    """Give the course's parameters of a convolution."""
    window = _window(case)
    return {"stride": window.stride[0], "pad": window.padding[0]}


def pool_param(case: Case) -> dict[str, int]:
    """Give the course's parameters of a pooling layer."""
    (HH, WW), (stride, _), _ = _window(case)
    return {"pool_height": HH, "pool_width": WW, "stride": stride}


def _window(case: Case) -> Window:
    window = window_of(case)
    assert window is not None
    return window


def _conv_takes(case: Case) -> bool:
    o, window = case.options, _window(case)
    plain = as_pair(o["dilation"]) == (1, 1) and o["groups"] == 1 and case.arrays["b"] is not None
    square = len(set(window.stride)) == len(set(window.padding)) == 1
    return square and plain and len(case.arrays["x"]) > 0


def _pool_takes(case: Case) -> bool:
    window = _window(case)
    square = len(set(window.stride)) == 1
    return square and window.padding == (0, 0) and len(case.arrays["x"]) > 0


def _is_remainder(case: Case) -> bool:
    H, W = case.arrays["x"].shape[2:]
    return _window(case).leaves_a_remainder((H, W))


def _conv(case: Case) -> Arguments:
    a = case.arrays
    return in_a_row({"x": a["x"], "w": a["w"], "b": a["b"]}, conv_param(case))


def _pool(case: Case) -> Arguments:
    return in_a_row({"x": case.arrays["x"]}, pool_param(case))


_WAYS = ("naive", "fast", "im2col", "strides", "")
_CONV = Dialect(
    "conv2d",
    "convolution",
    "course",
    _suffixed("conv_forward", *_WAYS),
    _suffixed("conv_backward", *_WAYS),
    _conv,
    ("x", "w", "b"),
    _conv_takes,
    _is_remainder,
)
_MAX_POOL = Dialect(
    "max_pool2d",
    "max pooling",
    "course",
    _suffixed("max_pool_forward", "naive", "fast", "reshape", "im2col", ""),
    _suffixed("max_pool_backward", "naive", "fast", "reshape", "im2col", ""),
    _pool,
    ("x",),
    _pool_takes,
    _is_remainder,
)
_AVG_POOL = Dialect(
    "avg_pool2d",
    "mean pooling",
    "course",
    (*_suffixed("avg_pool_forward", "naive", "fast", ""), "mean_pool_forward_naive"),
    (*_suffixed("avg_pool_backward", "naive", "fast", ""), "mean_pool_backward_naive"),
    _pool,
    ("x",),
    _pool_takes,
    _is_remainder,
)


# --- affine, relu, losses ----------------------------------------------------------------


def _linear_takes(case: Case) -> bool:
    return case.arrays["b"] is not None and case.arrays["x"].size > 0 and case.arrays["x"].ndim == 2


def affine(case: Case) -> Arguments:
    """Give x, w of shape (D, M), and b."""
    a = case.arrays
    x = a["x"]
    D = x.shape[1]
    if D % 2 == 0 and D > 2:  # as images come: the layer lays them out as rows
        x = x.reshape(len(x), 2, D // 2)
    return in_a_row({"x": x, "w": np.ascontiguousarray(a["w"].T), "b": a["b"]})


def as_rows(case: Case, dx: Any) -> Any:
    """Lay dx out as the definition has x: a row an image."""
    x = affine(case).positional[0]
    if not isinstance(dx, np.ndarray):
        return dx
    if dx.shape == x.shape:
        return dx.reshape(case.arrays["x"].shape)
    return Misshapen(f"the shape {dx.shape}, where x has {x.shape}", dx.shape, x.shape)


def turned(case: Case, dw: Any) -> Any:
    """Turn dw of shape (D, M), as the course has it, to (M, D)."""
    return dw.T if isinstance(dw, np.ndarray) else dw


_AFFINE = Dialect(
    "linear",
    "affine",
    "course",
    ("affine_forward",),
    ("affine_backward",),
    affine,
    ("x", "w", "b"),
    _linear_takes,
    from_gradient={"x": as_rows, "w": turned},
)
_RELU = Dialect(
    "relu",
    "relu",
    "course",
    ("relu_forward",),
    ("relu_backward",),
    lambda case: in_a_row({"x": case.arrays["x"]}),
    ("x",),
    lambda case: case.arrays["x"].ndim > 0 and case.arrays["x"].size > 0,
)


def _labels_alone(case: Case) -> bool:
    labels = case.arrays["target"]
    integers = isinstance(labels, np.ndarray) and labels.dtype.kind in "iu"
    plain = case.options.get("label_smoothing", 0.0) == 0.0
    return integers and plain and case.arrays["x"].size > 0


def _scores(case: Case) -> Arguments:
    return in_a_row({"x": case.arrays["x"], "target": case.arrays["target"].astype(np.int64)})


_SOFTMAX = Dialect(
    "softmax_cross_entropy",
    "softmax loss",
    "loss",
    ("softmax_loss",),
    ("",),
    _scores,
    ("x",),
    _labels_alone,
)
_SVM = Dialect("hinge", "svm loss", "loss", ("svm_loss",), ("",), _scores, ("x",), _labels_alone)


# --- dropout -----------------------------------------------------------------------------


def _dropout(keep: bool) -> Callable[[Case], Arguments]:
    def arguments(case: Case) -> Arguments:
        p = case.options["p"]
        mode = "test" if case.arrays["mask"] is None else "train"
        param = {"p": 1 - p if keep else p, "mode": mode, "seed": SEED}
        return in_a_row({"x": case.arrays["x"]}, param)

    return arguments


def _dropout_takes(case: Case) -> bool:
    """Take what tells by its output which entries were dropped."""
    x = case.arrays["x"]
    return x.size > 0 and bool((x != 0).all()) and case.options["p"] < 1


def with_its_mask(case: Case, out: Any) -> Case:
    """Take the mask that was drawn for the case's own, unless its share cannot be by chance."""
    x, p = case.arrays["x"], case.options["p"]
    is_array = isinstance(out, np.ndarray | np.generic)  # without axes it is a scalar
    if case.arrays["mask"] is None or not is_array or out.shape != x.shape:
        return case
    mask = np.asarray(out != 0)
    drawn = x.size if one_mask_for_all(case, out) is None else x.size // len(x)
    dropped = round(float(1 - mask.mean()) * drawn)
    if _chance_of(dropped, drawn, p) < _BY_CHANCE:
        return case
    return Case(case.op, {**case.arrays, "mask": mask}, case.options)


_BY_CHANCE = 1e-9
"""How unlikely a share has to be that nobody drew: six standard deviations, where many are."""


def _chance_of(dropped: int, drawn: int, p: float) -> float:
    """Give how likely it is to drop so few, or so many: the smaller tail of the binomial."""
    if p == 0:
        return float(dropped == 0)
    k = np.arange(drawn + 1)
    factorials = np.cumsum(np.log(np.maximum(k, 1)))
    ways = factorials[-1] - factorials - factorials[::-1]
    chances = np.exp(ways + k * np.log(p) + (drawn - k) * np.log1p(-p))
    return float(min(chances[: dropped + 1].sum(), chances[dropped:].sum()))


_DROPOUT = Dialect(
    "dropout",
    "dropout",
    "course",
    ("dropout_forward",),
    ("dropout_backward",),
    _dropout(keep=True),
    ("x",),
    _dropout_takes,
    decides=with_its_mask,
)
_DROPOUT_OF_OLD = replace(_DROPOUT, arguments=_dropout(keep=False))  # p drops, as it did to 2017


LAYERS: tuple[Dialect, ...] = (
    _CONV,
    _MAX_POOL,
    _AVG_POOL,
    _AFFINE,
    _RELU,
    _SOFTMAX,
    _SVM,
    _DROPOUT,
    _DROPOUT_OF_OLD,
)
"""A row a pair of functions."""
