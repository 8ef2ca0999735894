"""Images that a network learns in a second: a bright square in one of four corners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

CORNERS = np.array(["bottom left", "bottom right", "top left", "top right"])


def corners(n: int, seed: int = 0) -> tuple[Any, Any]:
    """Make bytes (n, 1, 6, 6) and the corner that is bright, in words."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 4
    images = rng.integers(0, 100, (n, 1, 6, 6), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        i, j = 3 * (1 - label // 2), 3 * (label % 2)
        image[0, i : i + 3, j : j + 3] += 120
    return images, CORNERS[labels]
