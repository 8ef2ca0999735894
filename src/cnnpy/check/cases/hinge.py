"""Cases of hinge."""

from __future__ import annotations

import numpy as np

from cnnpy.check.case import Case, Hand

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    N, K = hand.integer("N", 1, 6), hand.integer("K", 1, 7)
    dtype = hand.choice("index dtype", [np.int64, np.int32, np.uint8])
    target = np.array([hand.integer("class", 0, K - 1) for _ in range(N)], dtype=dtype)
    x = hand.floats((N, K)) * hand.choice("scale", [0.3, 1.0, 30.0])
    return Case("hinge", {"x": x, "target": target})
