"""Results larger than the caches are written past them: the same values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnpy
from cnnpy import functional as F

N, C, H = 33, 48, 64  # 26 MB of float32


def both(run: Any) -> tuple[Any, Any]:
    found = []
    for backend in ("native", "numpy"):
        with cnnpy.use_backend(backend):
            found.append(run())
    return found[0], found[1]


@pytest.fixture(scope="module")
def images() -> Any:
    x = np.random.default_rng(0).standard_normal((N, H, H, C), dtype=np.float32)
    return x.transpose(0, 3, 1, 2)


@pytest.mark.parametrize(("window", "algorithm"), [(1, "direct"), (3, "direct"), (3, "winograd")])
def test_a_large_convolution(images: Any, window: int, algorithm: str) -> None:
    rng = np.random.default_rng(1)
    w = rng.standard_normal((C, C, window, window), dtype=np.float32) / 16
    b = rng.standard_normal(C, dtype=np.float32)
    ours, theirs = both(
        lambda: F.conv2d_forward(images, w, b, padding=window // 2, algorithm=algorithm)[0]
    )
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-4)


def test_a_large_result_of_groups_whose_pixels_are_no_whole_lines(images: Any) -> None:
    rng = np.random.default_rng(1)
    w = rng.standard_normal((60, C // 12, 3, 3), dtype=np.float32) / 4
    b = rng.standard_normal(60, dtype=np.float32)
    ours, theirs = both(lambda: F.conv2d_forward(images, w, b, padding=1, groups=12)[0])
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5)


def test_a_large_batch_norm_both_ways(images: Any) -> None:
    gamma, beta = np.linspace(0.5, 2, C, dtype=np.float32), np.ones(C, dtype=np.float32)

    def run() -> Any:
        statistics = {"running_mean": np.zeros_like(beta), "running_var": np.ones_like(beta)}
        out, cache = F.batch_norm_forward(images, gamma, beta, train=True, **statistics)
        return out, *F.batch_norm_backward(images, cache)

    for got, want in zip(*both(run), strict=True):
        scale = max(1.0, float(np.abs(want).max()))
        np.testing.assert_allclose(got, want, rtol=0, atol=2e-4 * scale)
