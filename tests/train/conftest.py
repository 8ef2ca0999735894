"""A data set that learns in a second: bright squares in one of four corners."""

from __future__ import annotations

import numpy as np
import pytest

from cnnpy import nn
from cnnpy.data import Dataset


def corners(n: int, seed: int, names: tuple[str, ...] = ("a", "b", "c", "d")) -> Dataset:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 4
    images = rng.integers(0, 100, (n, 1, 8, 8), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        i, j = 4 * (label // 2), 4 * (label % 2)
        image[0, i : i + 4, j : j + 4] += 120
    return Dataset(images, labels.astype(np.int64), names, "corners")


def tiny_cnn() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(8, 3, padding=1), nn.BatchNorm(), nn.ReLU(), nn.MaxPool2d(2),
        nn.Dropout(0.1), nn.Flatten(), nn.Linear(4),
    )  # fmt: skip


@pytest.fixture
def train_set() -> Dataset:
    return corners(96, 0)


@pytest.fixture
def validation_set() -> Dataset:
    return corners(40, 1)
