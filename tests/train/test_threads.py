"""Training ends at the same bits on any number of threads."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnpy
from cnnpy import models, nn, optim

pytest.importorskip("cnnpy.backends.native._native")
engine = importlib.import_module("cnnpy.backends.native.engine")

THREADS = (2, 3, 5, 8)
N_STEPS = 20


def block(filters: int, stride: int = 1) -> nn.Residual:
    body = nn.Sequential(
        nn.Conv2d(filters, 3, stride=stride, padding=1), nn.BatchNorm(), nn.ReLU(),
        nn.Conv2d(filters, 3, padding=1), nn.BatchNorm(),
    )  # fmt: skip
    shortcut = nn.Sequential(nn.Conv2d(filters, 1, stride=stride), nn.BatchNorm())
    return nn.Residual(body, shortcut if stride > 1 else None, activation=nn.ReLU())


def small_resnet() -> nn.Sequential:
    """Make residual blocks, of which some take Winograd's tiles, and groups besides."""
    return nn.Sequential(
        nn.Conv2d(16, 3, padding=1), nn.BatchNorm(), nn.ReLU(), block(16),
        block(24, stride=2), nn.Conv2d(24, 3, padding=1, groups=24), nn.GroupNorm(4),
        nn.GELU(), nn.Dropout(0.2), nn.GlobalAvgPool2d(), nn.Flatten(), nn.Linear(10),
    )  # fmt: skip


NETWORKS: dict[str, tuple[Callable[[], nn.Sequential], tuple[int, ...]]] = {
    "lenet5": (models.lenet5, (1, 20, 20)),
    "small resnet": (small_resnet, (3, 16, 16)),
}


@pytest.fixture(autouse=True)
def threads() -> Any:
    before = engine.num_threads()
    yield
    engine.set_num_threads(before)


def trained(name: str, n_threads: int) -> dict[str, bytes]:
    engine.set_num_threads(n_threads)
    make, shape = NETWORKS[name]
    rng = np.random.default_rng(0)
    images = rng.standard_normal((24, *shape)).astype(np.float32)
    labels = rng.integers(0, 10, 24)
    with cnnpy.use_backend("native"):
        model = make()
        model.build(shape, seed=0)
        found = {"first scores": model(images).tobytes()}
        optimizer = optim.AdamW(model.parameters(), lr=0.01)
        loss = nn.SoftmaxCrossEntropy()
        for _ in range(N_STEPS):
            optimizer.zero_grad()
            scores, cache = model.forward(images, train=True)
            _, loss_cache = loss.forward(scores, labels)
            model.backward(loss.backward(loss_cache), cache)
            optimizer.step()
    return found | {key: array.tobytes() for key, array in model.state_dict().items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_twenty_steps_have_the_same_bits_on_any_number_of_threads(name: str) -> None:
    alone = trained(name, 1)
    for n in THREADS:
        assert trained(name, n) == alone, f"{n} threads"
