"""Cases of softmax_cross_entropy."""

from __future__ import annotations

import numpy as np

from cnnpy.check.case import Case, Hand

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    N, K = hand.integer("N", 1, 6), hand.integer("K", 1, 7)
    kind = hand.choice("target", ["index", "index", "probability"])
    if kind == "index":
        dtype = hand.choice("index dtype", [np.int64, np.int32, np.uint8])
        target = np.array([hand.integer("class", 0, K - 1) for _ in range(N)], dtype=dtype)
    else:
        weight = np.exp(hand.floats((N, K)))
        target = weight / weight.sum(axis=1, keepdims=True)
    x = hand.floats((N, K)) * hand.choice("scale", [1.0, 30.0, 1000.0])
    smoothing = hand.choice("label_smoothing", [0.0, 0.0, 0.1, 1.0])
    return Case("softmax_cross_entropy", {"x": x, "target": target}, {"label_smoothing": smoothing})
