"""The compiled optimizer steps are the arithmetic of cnnpy.optim."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from cnnpy import optim
from cnnpy.nn import Parameter

pytest.importorskip("cnnpy.backends.native._native")
engine = importlib.import_module("cnnpy.backends.native.engine")
steps = importlib.import_module("cnnpy.backends.native.steps")

CASES: list[tuple[type[optim.Optimizer], dict[str, Any]]] = [
    (optim.SGD, {}),
    (optim.SGD, {"weight_decay": 0.1}),
    (optim.SGD, {"momentum": 0.9, "weight_decay": 0.1}),
    (optim.SGD, {"momentum": 0.9, "nesterov": True}),
    (optim.RMSprop, {}),
    (optim.RMSprop, {"momentum": 0.9, "weight_decay": 0.1, "alpha": 0.9}),
    (optim.Adam, {}),
    (optim.Adam, {"weight_decay": 0.1, "betas": (0.8, 0.99)}),
    (optim.AdamW, {}),
]


def _native_step(kind: type, value: Any, grad: Any, state: dict[str, Any], n: int, **given: Any):
    if kind is optim.SGD:
        steps.sgd_step(value, grad, state.setdefault("v", np.zeros_like(value)), **given)
    elif kind is optim.RMSprop:
        square, velocity = (state.setdefault(k, np.zeros_like(value)) for k in "sv")
        steps.rmsprop_step(value, grad, square, velocity, **given)
    else:
        mean, square = (state.setdefault(k, np.zeros_like(value)) for k in "ms")
        if kind is optim.AdamW:
            given = {"weight_decay": 0.01} | given | {"decoupled": True}
        steps.adam_step(value, grad, mean, square, n_steps=n, **given)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1,), (7, 3, 3, 3), (300, 257)])
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_a_compiled_step_is_that_of_the_optimizer(
    kind: type, options: dict[str, Any], shape: tuple[int, ...], dtype: Any
) -> None:
    rng = np.random.default_rng(0)
    parameter = Parameter(rng.standard_normal(shape).astype(dtype))
    ours = parameter.value.copy()
    optimizer = kind([parameter], lr=0.05, **options)
    state: dict[str, Any] = {}
    for n in range(1, 5):
        grad = rng.standard_normal(shape).astype(dtype)
        optimizer.zero_grad()
        parameter.accumulate(grad)
        optimizer.step()
        _native_step(kind, ours, grad, state, n, lr=0.05, **options)
        # products and sums may be fused: some roundings a step
        tolerance = 16 * n * np.finfo(dtype).eps
        np.testing.assert_allclose(ours, parameter.value, rtol=tolerance, atol=tolerance)


def test_a_step_has_the_same_bits_for_any_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    start, grad = (rng.standard_normal(200_001).astype(np.float32) for _ in range(2))
    before = engine.num_threads()
    found = []
    try:
        for n in (1, 2, 3, 8):
            engine.set_num_threads(n)
            value, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
            steps.adam_step(value, grad, mean, square, lr=0.1, n_steps=1)
            found.append(value.tobytes())
    finally:
        engine.set_num_threads(before)
    assert len(set(found)) == 1
