"""A session computes what its model computed when it was made."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import cnnpy
from cnnpy import nn
from cnnpy.backends import registry
from cnnpy.contract import DtypeError, OptionError, ShapeError
from cnnpy.models import MODELS

SHAPES = {
    "small_cnn": (1, 8, 8),
    "threelayer": (3, 32, 32),
    "lenet5": (1, 28, 28),
    "vgg_small": (3, 16, 16),
    "resnet20": (3, 16, 16),
    "mobilenet_v2": (3, 32, 32),
}


def trained(name: str) -> tuple[nn.Layer, Any]:
    """Make a network whose running statistics are not those of the beginning."""
    model = MODELS[name](10)
    model.build(SHAPES[name], seed=0)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, *SHAPES[name])).astype(np.float32)
    model.forward(x + 1, train=True)
    return model, x


@pytest.mark.parametrize("backend", ["native", "numpy"])
@pytest.mark.parametrize("name", SHAPES)
def test_a_session_gives_what_the_layers_give_one_by_one(name: str, backend: str) -> None:
    model, x = trained(name)
    with nn.use_fusion(False):
        want = model(x)
    with cnnpy.use_backend(backend):
        session = nn.InferenceSession(model)
        for batch in (x, x[:1], x):  # the shapes may change from call to call
            np.testing.assert_allclose(session(batch), want[: len(batch)], rtol=2e-3, atol=2e-3)


def test_branches_beside_each_other_and_bodies_of_other_ends_are_prepared_too() -> None:
    model = nn.Sequential(
        nn.Concat(nn.Conv2d(3, 1), nn.Sequential(nn.Conv2d(2, 3, padding=1), nn.BatchNorm())),
        nn.Residual(nn.Conv2d(5, 3, padding=1), activation=nn.ReLU()),
        nn.Residual(nn.Sequential(nn.Conv2d(5, 1), nn.BatchNorm()), activation=nn.Tanh()),
        nn.Residual(nn.Sequential(nn.Conv2d(5, 1), nn.BatchNorm(), nn.ReLU())),
        nn.Flatten(),
        nn.Linear(3),
    )
    model.build((2, 5, 6), dtype=np.float64, seed=0)
    x = np.random.default_rng(0).standard_normal((4, 2, 5, 6))
    model.forward(x, train=True)
    with nn.use_fusion(False):
        want = model(x)
    np.testing.assert_allclose(nn.InferenceSession(model)(x), want, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("F", [1, 5, 8, 12])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_the_filters_that_a_session_keeps_serve_every_batch_size(F: int, k: int) -> None:
    """How filters are packed may depend on how many images there are."""
    model = nn.Sequential(nn.Conv2d(F, k, padding=k // 2))
    model.build((16, 8, 8), seed=0)
    x = np.random.default_rng(0).standard_normal((256, 16, 8, 8)).astype(np.float32)
    with nn.use_fusion(False), cnnpy.use_backend("numpy"):
        want = model(x)
    session = nn.InferenceSession(model)
    for n in (1, 128, 16, 64, 256, 1, 40):
        np.testing.assert_allclose(session(x[:n]), want[:n], rtol=1e-3, atol=1e-3)


def test_later_training_does_not_reach_a_session() -> None:
    model, x = trained("lenet5")
    session = nn.InferenceSession(model)
    before = session(x)
    for parameter in model.parameters():
        parameter.value[...] = 0
    np.testing.assert_array_equal(session(x), before)


def test_a_session_serves_several_threads() -> None:
    model, x = trained("resnet20")
    session = nn.InferenceSession(model)
    want = nn.InferenceSession(model)(x)
    found: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda k=k: found.__setitem__(k, session(x))) for k in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(8):
        np.testing.assert_array_equal(found[k], want)


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(OptionError, match="InferenceSession: the model is not built"):
        nn.InferenceSession(nn.Sequential(nn.Conv2d(2, 3)))
    model, x = trained("vgg_small")
    session = nn.InferenceSession(model)
    with pytest.raises(ShapeError, match="conv2d: x has shape"):
        session(x[:, :2])
    with pytest.raises(DtypeError):
        session(x.astype(np.float64))


def test_a_session_stays_on_the_backend_that_it_was_made_on() -> None:
    asked: list[str] = []

    class Asking(nn.ReLU):
        def infer(self, x: Any) -> Any:
            asked.append(registry.current())
            return super().infer(x)

    with cnnpy.use_backend("native"):
        model = nn.Sequential(nn.Conv2d(3, 3), Asking())
        model.build((2, 6, 6), seed=0)
        session = nn.InferenceSession(model)
    with cnnpy.use_backend("numpy"):
        session(np.ones((2, 2, 6, 6), dtype=np.float32))
    assert asked == ["native"]
