"""The dialect of Stanford cs231n: its names, parameter dictionaries and conventions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.dialects.dialect import Arguments, Dialect
from cnnpy.check.window import Window, window_of
from cnnpy.contract.shapes import as_pair

__all__ = ["COURSE"]


def _suffixed(name: str, *suffixes: str) -> tuple[str, ...]:
    return tuple(f"{name}_{suffix}" if suffix else name for suffix in suffixes)


def _named(values: Mapping[str, Any], parameters: Any = None, **more: Any) -> Arguments:
    """Stand the inputs in a row, with parameters behind them."""
    names = {name: str(k) for k, name in enumerate(values)}
    return Arguments([*values.values(), *([] if parameters is None else [parameters])], more, names)


# --- convolution and pooling -------------------------------------------------------------


def _conv_param(case: Case) -> dict[str, int]:
    window = _window(case)
    return {"stride": window.stride[0], "pad": window.padding[0]}


def _pool_param(case: Case) -> dict[str, int]:
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
    return _named({"x": a["x"], "w": a["w"], "b": a["b"]}, _conv_param(case))


def _pool(case: Case) -> Arguments:
    return _named({"x": case.arrays["x"]}, _pool_param(case))


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


def _affine(case: Case) -> Arguments:
    a = case.arrays
    x = a["x"]
    D = x.shape[1]
    if D % 2 == 0 and D > 2:  # as images come: the layer lays them out as rows
        x = x.reshape(len(x), 2, D // 2)
    return _named({"x": x, "w": np.ascontiguousarray(a["w"].T), "b": a["b"]})


def _as_rows(case: Case, dx: Any) -> Any:
    x = _affine(case).positional[0]
    fits = isinstance(dx, np.ndarray) and dx.shape == x.shape
    return dx.reshape(case.arrays["x"].shape) if fits else dx


def _turned(case: Case, dw: Any) -> Any:
    return dw.T if isinstance(dw, np.ndarray) else dw


_AFFINE = Dialect(
    "linear",
    "affine",
    "course",
    ("affine_forward",),
    ("affine_backward",),
    _affine,
    ("x", "w", "b"),
    _linear_takes,
    from_gradient={"x": _as_rows, "w": _turned},
)
_RELU = Dialect(
    "relu",
    "relu",
    "course",
    ("relu_forward",),
    ("relu_backward",),
    lambda case: _named({"x": case.arrays["x"]}),
    ("x",),
    lambda case: case.arrays["x"].ndim > 0 and case.arrays["x"].size > 0,
)


def _labels_alone(case: Case) -> bool:
    labels = case.arrays["target"]
    integers = isinstance(labels, np.ndarray) and labels.dtype.kind in "iu"
    plain = case.options.get("label_smoothing", 0.0) == 0.0
    return integers and plain and case.arrays["x"].size > 0


def _scores(case: Case) -> Arguments:
    return _named({"x": case.arrays["x"], "target": case.arrays["target"].astype(np.int64)})


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


# --- normalisations ----------------------------------------------------------------------


def _norm_param(case: Case) -> dict[str, Any]:
    """Give the course's parameters: its momentum weighs what was there before."""
    a, o = case.arrays, case.options
    param: dict[str, Any] = {
        "mode": "train" if o["train"] else "test",
        "eps": o["eps"],
        "momentum": 1 - o["momentum"],
    }
    for name in ("running_mean", "running_var"):
        if a[name] is not None:
            param[name] = a[name].copy()
    return param


def _batch_norm(case: Case) -> Arguments:
    a = case.arrays
    return _named({"x": a["x"], "gamma": a["gamma"], "beta": a["beta"]}, _norm_param(case))


def _affine_norm(axes: int) -> Callable[[Case], bool]:
    def takes(case: Case) -> bool:
        a = case.arrays
        whole = a["gamma"] is not None and a["beta"] is not None
        x = a["x"]
        last = case.op != "layer_norm" or case.options["axis"] in (1, -1)
        return whole and x.ndim == axes and x.size > 0 and last

    return takes


def _biased(case: Case, running_var: Any) -> Any:
    """Bring the course's running variance, a mean of biased ones, to the definition's."""
    if not isinstance(running_var, np.ndarray) or not case.options["train"]:
        return running_var
    x = case.arrays["x"]
    n = x.size // x.shape[1]
    momentum, before = case.options["momentum"], case.arrays["running_var"]
    batch = running_var - (1 - momentum) * (0.0 if before is None else before)
    return running_var + batch * (n / (n - 1) - 1)


def _flat(case: Case, statistic: Any) -> Any:
    """Take a running statistic of shape (1, C) for one of shape (C,): it is nobody else's."""
    C = case.arrays["x"].shape[1]
    fits = isinstance(statistic, np.ndarray) and statistic.size == C
    return statistic.reshape(C) if fits else statistic


def _in_training(case: Case) -> bool:
    return bool(case.options["train"])


_UPDATED: dict[str, Any] = {
    "running_mean": ((3, "running_mean"), _flat),
    "running_var": ((3, "running_var"), lambda case, value: _biased(case, _flat(case, value))),
}
_BATCH_NORM = Dialect(
    "batch_norm",
    "batch norm",
    "course",
    ("batchnorm_forward", "batchnorm_forward"),
    ("batchnorm_backward", "batchnorm_backward_alt"),
    _batch_norm,
    ("x", "gamma", "beta"),
    _affine_norm(2),
    sends_back=_in_training,
    from_updated=_UPDATED,
)
_SPATIAL_BATCH_NORM = Dialect(
    "batch_norm",
    "spatial batch norm",
    "course",
    ("spatial_batchnorm_forward",),
    ("spatial_batchnorm_backward",),
    _batch_norm,
    ("x", "gamma", "beta"),
    _affine_norm(4),
    sends_back=_in_training,
    from_updated=_UPDATED,
)
_LAYER_NORM = Dialect(
    "layer_norm",
    "layer norm",
    "course",
    ("layernorm_forward",),
    ("layernorm_backward",),
    lambda case: _named(
        {"x": case.arrays["x"], "gamma": case.arrays["gamma"], "beta": case.arrays["beta"]},
        {"eps": case.options["eps"]},
    ),
    ("x", "gamma", "beta"),
    _affine_norm(2),
)


def _group_norm(case: Case, wide: bool = True) -> Arguments:
    a = case.arrays
    shape = (1, -1, 1, 1) if wide else (-1,)
    gamma, beta = (a[name].reshape(shape) for name in ("gamma", "beta"))
    positional = [a["x"], gamma, beta, case.options["groups"]]
    names = {"x": "0", "gamma": "1", "beta": "2"}
    return Arguments([*positional, {"eps": case.options["eps"]}], {}, names)


def _narrow(case: Case, gradient: Any) -> Any:
    """Take the gradient of a parameter of shape (1, C, 1, 1) in either shape."""
    C = case.arrays["x"].shape[1]
    fits = isinstance(gradient, np.ndarray) and gradient.shape in ((1, C, 1, 1), (C,))
    return gradient.reshape(C) if fits else gradient


_GROUP_NORM = Dialect(
    "group_norm",
    "spatial group norm",
    "course",
    ("spatial_groupnorm_forward",),
    ("spatial_groupnorm_backward",),
    _group_norm,
    ("x", "gamma", "beta"),
    _affine_norm(4),
    from_gradient={"gamma": _narrow, "beta": _narrow},
)
_GROUP_NORM_OF_VECTORS = replace(  # as some editions have it
    _GROUP_NORM, arguments=lambda case: _group_norm(case, wide=False)
)


COURSE: tuple[Dialect, ...] = (
    _CONV,
    _MAX_POOL,
    _AVG_POOL,
    _AFFINE,
    _RELU,
    _SOFTMAX,
    _SVM,
    _BATCH_NORM,
    _SPATIAL_BATCH_NORM,
    _LAYER_NORM,
    _GROUP_NORM,
    _GROUP_NORM_OF_VECTORS,
)
"""A row a pair of functions."""
