"""exp, log, tanh and erf of the compiled kernels are ours: held against the standard library."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cnnpy.backends.native._native")

DTYPES = (np.float32, np.float64)
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])


def _forward(op: str, x: Any, **options: Any) -> Any:
    module = importlib.import_module(f"cnnpy.backends.native.{op}")
    return getattr(module, f"{op}_forward")(x, **options)[0]


def _grid(dtype: Any, most: float) -> Any:
    small = 1e-30 if dtype == np.float32 else 1e-290
    sizes = np.concatenate([np.linspace(0, most, 20011), np.geomspace(small, most, 20011)])
    return np.concatenate([sizes, -sizes]).astype(dtype)


def _roundings(got: Any, x: Any, function: Callable[[float], float]) -> Any:
    """Return how many roundings of its own dtype each value is off."""
    want = np.array([function(float(v)) for v in x])
    spacing = np.spacing(np.abs(want).astype(got.dtype)).astype(np.float64)
    return np.abs(got.astype(np.float64) - want) / spacing


@every_dtype
def test_tanh_is_that_of_the_standard_library(dtype: Any) -> None:
    x = _grid(dtype, 25.0)
    assert _roundings(_forward("tanh", x), x, math.tanh).max() <= 3


@every_dtype
def test_exp_is_that_of_the_standard_library(dtype: Any) -> None:
    """Far below zero the logistic function is the exponential, subnormal results too."""
    far, end = (-20.0, -103.9) if dtype == np.float32 else (-40.0, -745.1)
    x = np.linspace(end, far, 40021).astype(dtype)
    assert _roundings(_forward("sigmoid", x), x, math.exp).max() <= 2


@every_dtype
def test_the_logistic_function_is_that_of_the_standard_library(dtype: Any) -> None:
    x = _grid(dtype, 80.0)
    found = _roundings(_forward("sigmoid", x), x, lambda v: 1 / (1 + math.exp(-v)))
    assert found.max() <= 3


@every_dtype
def test_log_is_that_of_the_standard_library(dtype: Any) -> None:
    """Of K equal scores each has the probability 1/K."""
    for K in [*range(1, 200), 1000, 1023, 1024, 4097]:
        logs = _forward("log_softmax", np.zeros((1, K), dtype=dtype), axis=1)[0]
        assert np.all(logs == logs[0])
        assert _roundings(-logs[:1], [K], math.log).max() <= 2


@every_dtype
def test_gelu_is_made_of_the_error_function(dtype: Any) -> None:
    edges = np.array([0.46875, 4.0, 30.0]) * math.sqrt(2)  # where one formula follows another
    near = np.concatenate([np.nextafter(edges, s * np.inf) for s in (-1, 1)] + [edges])
    x = np.concatenate([_grid(dtype, 45.0), near, -near]).astype(dtype)
    got = _forward("gelu", x, approximate="none").astype(np.float64)
    want = np.array([0.5 * float(v) * math.erfc(-float(v) / math.sqrt(2)) for v in x])
    eps = np.finfo(dtype).eps
    assert np.all(
        np.abs(got - want)
        <= 4 * eps * np.maximum(np.abs(want), np.finfo(dtype).tiny)
        + 8 * eps * np.exp(-0.25 * x.astype(np.float64) ** 2) * np.abs(x)
    )


@every_dtype
def test_curves_of_what_is_not_finite(dtype: Any) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e4, -1e4], dtype=dtype)
    np.testing.assert_array_equal(_forward("tanh", x), [np.nan, 1, -1, 0, 0, 1, -1])
    assert np.signbit(_forward("tanh", x)[4])
    np.testing.assert_array_equal(_forward("sigmoid", x), [np.nan, 1, 0, 0.5, 0.5, 1, 0])
    for approximate in ("none", "tanh"):
        gelu = _forward("gelu", x, approximate=approximate)
        np.testing.assert_array_equal(gelu, [np.nan, np.inf, np.nan, 0, 0, 1e4, 0])


@every_dtype
def test_each_entry_has_its_value_wherever_it_stands(dtype: Any) -> None:
    """A tail goes the same way as a full register."""
    x = np.random.default_rng(0).standard_normal(67).astype(dtype)
    for op in ("tanh", "sigmoid", "silu"):
        whole = _forward(op, x)
        for n in range(1, 67, 5):
            np.testing.assert_array_equal(_forward(op, x[:n].copy()), whole[:n])
