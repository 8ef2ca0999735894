"""The dialect of Stanford cs231n: its normalisations, with what runs along in a dictionary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.dialects.course import in_a_row
from cnnpy.check.dialects.dialect import Arguments, Dialect

__all__ = ["NORMS", "norm_param"]


def norm_param(case: Case) -> dict[str, Any]:
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
    return in_a_row({"x": a["x"], "gamma": a["gamma"], "beta": a["beta"]}, norm_param(case))


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
    before, x = case.arrays["running_var"], case.arrays["x"]
    n = x.size // x.shape[1]
    if not isinstance(running_var, np.ndarray) or n < 2 or np.array_equal(running_var, before):
        return running_var  # nothing was kept of this batch
    if not case.options["train"]:
        return running_var  # nothing is to be kept of it
    momentum = case.options["momentum"]
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
    lambda case: in_a_row(
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


NORMS: tuple[Dialect, ...] = (
    _BATCH_NORM,
    _SPATIAL_BATCH_NORM,
    _LAYER_NORM,
    _GROUP_NORM,
    _GROUP_NORM_OF_VECTORS,
)
"""A row a pair of functions."""
