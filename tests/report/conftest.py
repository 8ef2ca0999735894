"""A run on little data, with classes whose names may be anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnpy import nn
from cnnpy.data import Dataset
from cnnpy.train import Classifier, RunFolder, RunRecord, Training, fit, load, read_run
from cnnpy.train.run_settings import RunSettings

HOSTILE = "</code><script>alert(1)</script><img src=x onerror=alert(1)> & \"'\u202e고양이"
NAMES = ("plain", HOSTILE[:-4], "고양이")


def bands(n: int, seed: int, names: tuple[str, ...] = NAMES) -> Dataset:
    """Return images of 12x10, bright in one of three bands, some of them hard to tell."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    images = rng.integers(0, 160, (n, 1, 12, 10)).astype(np.uint8)
    for k in range(3):
        images[labels == k, :, 4 * k : 4 * k + 3] += 60
    return Dataset(images, labels, names, name="bands")


def small_net() -> nn.Sequential:
    return nn.Sequential(
        {
            "conv": nn.Conv2d(6, 3, padding=1),
            "norm": nn.BatchNorm(),
            "relu": nn.ReLU(),
            "block": nn.Residual(nn.Sequential(nn.Conv2d(6, 3, padding=1))),
            "pool": nn.MaxPool2d(2),
            "flatten": nn.Flatten(),
            "fc": nn.Linear(3),
        }
    )


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """Return a run of two epochs, whose folder and settings are called after a stranger."""
    path = tmp_path_factory.mktemp("runs") / "run <b>&"
    settings = RunSettings(HOSTILE, training=Training(epochs=2))
    folder = RunFolder(path, settings, {"nested": {HOSTILE: [1, 2.5, "two\nlines"]}})
    fit(small_net(), bands(96, 0), bands(30, 1), settings.training, callbacks=[folder])
    return read_run(path)


@pytest.fixture(scope="session")
def images() -> Dataset:
    """Return 60 images that the run has not seen."""
    return bands(60, 2)


@pytest.fixture(scope="session")
def classifier(run: RunRecord) -> Classifier:
    return load(run.model_path)


@pytest.fixture(scope="session")
def other_run(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """Return a run without validation images, of another folder with the same name."""
    path = Path(tmp_path_factory.mktemp("others")) / "run <b>&"
    settings = RunSettings(HOSTILE, training=Training(epochs=1, seed=1))
    fit(small_net(), bands(48, 0), None, settings.training, callbacks=[RunFolder(path, settings)])
    return read_run(path)
