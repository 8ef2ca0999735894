"""The compiled optimizer steps are the arithmetic of cnnpy.optim."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from cnnpy import optim, use_backend
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
        done = steps.sgd_step(value, grad, state.setdefault("v", np.zeros_like(value)), **given)
    elif kind is optim.RMSprop:
        square, velocity = (state.setdefault(k, np.zeros_like(value)) for k in "sv")
        done = steps.rmsprop_step(value, grad, square, velocity, **given)
    else:
        mean, square = (state.setdefault(k, np.zeros_like(value)) for k in "ms")
        if kind is optim.AdamW:
            given = {"weight_decay": 0.01} | given | {"decoupled": True}
        done = steps.adam_step(value, grad, mean, square, n_steps=n, **given)
    assert done


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
        with use_backend("numpy"):
            optimizer.step()
        _native_step(kind, ours, grad, state, n, lr=0.05, **options)
        # products and sums may be fused: some roundings a step
        tolerance = 16 * n * np.finfo(dtype).eps
        np.testing.assert_allclose(ours, parameter.value, rtol=tolerance, atol=tolerance)


def test_a_gradient_may_lie_in_any_way() -> None:
    rng = np.random.default_rng(0)
    grad = rng.standard_normal((4, 3, 5, 2))
    want = np.ones(grad.shape)
    assert steps.sgd_step(want, grad, None, lr=0.1)
    read_only = grad.copy()
    read_only.flags.writeable = False
    last = np.ascontiguousarray(grad.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    shifted = np.frombuffer(b" " + grad.tobytes(), np.uint8)[1:].view(np.float64)
    unaligned = shifted.reshape(grad.shape)
    for given in (read_only, last, np.asfortranarray(grad), grad[::-1].copy()[::-1], unaligned):
        got = np.ones(grad.shape)
        assert steps.sgd_step(got, given, None, lr=0.1)
        assert np.array_equal(got, want)


def _read_only() -> np.ndarray:
    array = np.ones((3, 4))
    array.flags.writeable = False
    return array


UNFIT = {
    "strided": np.ones((3, 8))[:, ::2],
    "in Fortran order": np.ones((4, 3)).T,
    "of another shape": np.ones((1, 4)),
    "of another dtype": np.ones((3, 4), np.float32),
    "of bytes in the other order": np.ones((3, 4), np.dtype(np.float64).newbyteorder()),
    "read-only": _read_only(),
}


@pytest.mark.parametrize("array", UNFIT.values(), ids=UNFIT)
def test_arrays_that_the_kernels_cannot_take_are_left_alone(array: np.ndarray) -> None:
    grad = np.full((3, 4), 2.0)
    before = array.copy()
    for given in ([array, grad], [np.ones((3, 4)), array]):  # as the value, as a slot
        value, slot = given
        assert not steps.sgd_step(value, grad, slot, lr=0.1, momentum=0.9)
        assert not steps.rmsprop_step(value, grad, np.ones((3, 4)), slot, lr=0.1, momentum=0.9)
        assert not steps.adam_step(value, grad, slot, np.ones((3, 4)), lr=0.1, n_steps=1)
    assert np.array_equal(array, before)


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
