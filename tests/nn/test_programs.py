"""A session's recorded programs compute what its steps compute one by one."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnpy
from cnnpy import nn
from cnnpy.contract import ShapeError
from cnnpy.models import MODELS

Draw = np.random.Generator


def _activation(draw: Draw) -> nn.Layer:
    makers: list[Callable[[], nn.Layer]] = [
        *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.SiLU, nn.HardSwish, nn.GELU),
        lambda: nn.GELU(approximate="tanh"),
    ]
    return makers[draw.integers(len(makers))]()


def _conv(draw: Draw, filters: int, stride: int = 1) -> list[nn.Layer]:
    window = int(draw.choice([1, 3, 5]))
    layers: list[nn.Layer] = [
        nn.Conv2d(filters, window, padding=window // 2, stride=stride, use_bias=draw.random() < 0.5)
    ]
    if draw.random() < 0.7:
        layers.append(nn.BatchNorm(affine=bool(draw.random() < 0.7)))
    if draw.random() < 0.6:
        layers.append(_activation(draw))
    return layers


def _residual(draw: Draw, channels: int) -> tuple[nn.Layer, int]:
    changes = draw.random() < 0.5
    filters, stride = (int(draw.choice([5, 16, 33])), 2) if changes else (channels, 1)
    last: list[nn.Layer] = [nn.Conv2d(filters, 3, padding=1)]
    if draw.random() < 0.8:
        last.append(nn.BatchNorm())
    body = nn.Sequential(*_conv(draw, 17, stride), *last)
    shortcut = nn.Conv2d(filters, 1, stride=2) if changes else None
    activation = [None, nn.ReLU(), nn.Tanh()][draw.integers(3)]
    return nn.Residual(body, shortcut, activation=activation), filters


def _block(draw: Draw, channels: int) -> tuple[list[nn.Layer], int]:
    """Draw some layers, and the channels that leave them."""
    kind = draw.integers(7)
    if kind == 0:
        layer, filters = _residual(draw, channels)
        return [layer], filters
    if kind == 1:
        branches = [
            nn.Sequential(*_conv(draw, int(filters))) for filters in draw.integers(1, 20, size=3)
        ]
        total = sum(branch[0].filters for branch in branches)  # type: ignore[attr-defined]
        return [nn.Concat(*branches)], total
    if kind == 2:
        pools = [nn.MaxPool2d(2, stride=1), nn.MaxPool2d(3, stride=2, padding=1), nn.MaxPool2d(2)]
        return [pools[draw.integers(3)]], channels
    if kind == 3:
        return [nn.AvgPool2d(2, stride=1, padding=1, count_include_pad=False)], channels
    if kind == 4:
        mode = str(draw.choice(["constant", "replicate", "reflect"]))
        return [nn.Pad2d((1, 0, 2, 1), mode=mode), nn.Dropout(0.5), _activation(draw)], channels
    if kind == 5:
        return [nn.UpsampleNearest2d((2, 1)), nn.BatchNorm()], channels
    filters = int(draw.choice([3, 16, 18, 40]))
    if channels > 1 and draw.random() < 0.3:  # depthwise
        return [nn.Conv2d(channels, 3, padding=1, groups=channels), nn.ReLU()], channels
    return _conv(draw, filters), filters


def drawn_network(seed: int, dtype: Any) -> tuple[nn.Layer, tuple[int, ...]]:
    """Draw a network with running statistics of its own, and the shape of an input."""
    draw = np.random.default_rng(seed)
    channels = C = int(draw.choice([1, 3, 16]))
    layers: list[nn.Layer] = []
    for _ in range(draw.integers(1, 6)):
        block, channels = _block(draw, channels)
        layers += block
    end = draw.integers(4)
    if end == 0:
        layers += [nn.GlobalAvgPool2d()]
    if end <= 1:
        layers += [nn.Flatten(), nn.Linear(9), nn.ReLU(), nn.BatchNorm(), nn.Linear(4)]
        layers += [nn.Softmax(), nn.LogSoftmax()][: draw.integers(2)]
    elif end == 2:
        layers += [nn.Softmax(axis=int(draw.integers(1, 4)))]
    shape = (C, *(int(size) for size in draw.integers(8, 20, size=2)))
    model = nn.Sequential(*layers)
    model.build(shape, dtype=dtype, seed=seed)
    model.forward(draw.standard_normal((3, *shape)).astype(dtype) + 1, train=True)
    return model, shape


def in_orders(x: Any) -> list[Any]:
    """Lay images out in every order that the engine tells apart."""
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return [x, last, np.repeat(x, 2, axis=3)[..., ::2]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_drawn_networks_have_programs_with_the_bits_of_their_steps(
    dtype: type, profile: str
) -> None:
    for seed in range(300 if profile == "slow" else 25):
        model, shape = drawn_network(seed, dtype)
        with cnnpy.use_backend("native"):
            session = nn.InferenceSession(model)
            for batch in (1, 4, 1, 2):
                x = np.random.default_rng(seed).standard_normal((batch, *shape)).astype(dtype)
                with nn.use_fusion(False):
                    want = model(x)
                near = 2e-3 if dtype == np.float32 else 1e-9
                scale = float(np.abs(want).max(initial=1.0))
                for images in in_orders(x):
                    one_by_one = session._run._step_by_step(images)
                    for _ in range(3):  # the first may record, the others run the program
                        found = session(images)
                        np.testing.assert_array_equal(found, one_by_one, err_msg=f"{seed}: {model}")
                    np.testing.assert_allclose(found, want, rtol=near, atol=near * scale)
        programs = session._run._programs.values()
        assert programs, model
        assert all(program is not None for program in programs), model


class Doubled(nn.Layer):
    """A layer of one's own."""

    def forward(self, x: Any, *, train: bool = False) -> tuple[Any, Any]:
        """Add x to itself."""
        return x + x, None


def test_a_layer_that_no_program_knows_is_run_step_by_step() -> None:
    model = nn.Sequential(nn.Conv2d(4, 3), nn.ReLU(), Doubled(), nn.Flatten(), nn.Linear(3))
    model.build((2, 6, 6), seed=0)
    x = np.random.default_rng(0).standard_normal((2, 2, 6, 6)).astype(np.float32)
    session = nn.InferenceSession(model)
    with nn.use_fusion(False):
        want = model(x)
    for _ in range(3):
        np.testing.assert_allclose(session(x), want, rtol=1e-4, atol=1e-4)
    norm = nn.Sequential(nn.Conv2d(4, 3), nn.GroupNorm(2))
    norm.build((2, 6, 6), seed=0)
    for _ in range(3):
        np.testing.assert_allclose(nn.InferenceSession(norm)(x), norm(x), rtol=1e-4, atol=1e-4)


def test_a_program_serves_several_threads_and_batches_at_once() -> None:
    model = MODELS["resnet20"](10)
    model.build((3, 16, 16), seed=0)
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((n, 3, 16, 16)).astype(np.float32) for n in (1, 2, 3, 7)]
    session = nn.InferenceSession(model)
    wants = [session(x) for x in batches]
    wrong: list[int] = []

    def run(k: int) -> None:
        for turn in range(20):
            n = (k + turn) % len(batches)
            if not np.array_equal(session(batches[n]), wants[n]):
                wrong.append(n)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("name", ["vgg_small", "resnet20", "resnet18"])
def test_a_program_has_the_same_bits_for_any_number_of_threads(name: str) -> None:
    model = MODELS[name](10)
    model.build((3, 32, 32), seed=0)
    x = np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype(np.float32)
    session = nn.InferenceSession(model)
    before, found = cnnpy.num_threads(), []
    try:
        for n in (1, 2, 3, 8, 1):
            cnnpy.set_num_threads(n)
            found.append(session(x))
    finally:
        cnnpy.set_num_threads(before)
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_outputs_are_arrays_of_their_own_and_the_model_may_go() -> None:
    model = MODELS["lenet5"](10)
    model.build((1, 28, 28), seed=0)
    x = np.random.default_rng(0).standard_normal((2, 1, 28, 28)).astype(np.float32)
    session = nn.InferenceSession(model)
    del model
    gc.collect()
    first = session(x)
    kept = first.copy()
    second, other = session(x), session(-x)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(second, kept)
    assert not np.shares_memory(second, other)
    assert not np.array_equal(other, kept)


def test_no_steps_at_all_give_the_input_and_empty_batches_empty_outputs() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype(np.float32)
    nothing = nn.Sequential(nn.Dropout(0.5))
    nothing.build((3, 4, 5))
    session = nn.InferenceSession(nothing)
    for images in (*in_orders(x), *in_orders(x)):
        np.testing.assert_array_equal(session(images), x)
    model = MODELS["lenet5"](10)
    model.build((1, 28, 28), seed=0)
    session = nn.InferenceSession(model)
    for _ in range(2):
        assert session(np.zeros((0, 1, 28, 28), dtype=np.float32)).shape == (0, 10)


def test_a_shape_that_does_not_fit_is_told_also_after_one_that_does() -> None:
    model = MODELS["lenet5"](10)
    model.build((1, 28, 28), seed=0)
    session = nn.InferenceSession(model)
    x = np.zeros((1, 1, 28, 28), dtype=np.float32)
    for _ in range(2):
        session(x)
        with pytest.raises(ShapeError):
            session(x[:, :, :, :20])


def test_a_numpy_session_records_nothing() -> None:
    model = MODELS["lenet5"](10)
    model.build((1, 28, 28), seed=0)
    x = np.zeros((1, 1, 28, 28), dtype=np.float32)
    with cnnpy.use_backend("numpy"):
        session = nn.InferenceSession(model)
        for _ in range(2):
            session(x)
    assert session._run._recorder is None
