"""Cases of batch_norm."""

from __future__ import annotations

import numpy as np

from cnnpy.check.case import Case, Hand

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    C = hand.integer("C", 1, 4)
    images = hand.choice("axes", [(), (), (hand.integer("H", 1, 4), hand.integer("W", 1, 4))])
    train = hand.choice("train", [True, True, False])
    N = hand.choice("N", [2, 3, 5] if train else [0, 1, 3])
    affine = hand.choice("affine", ["both", "both", "gamma", "beta", "none"])
    running = hand.choice("running", ["yes", "no"]) if train else "yes"
    arrays = {
        "x": 2 * hand.floats((N, C, *images)) + 1,
        "gamma": hand.floats((C,)) if affine in ("both", "gamma") else None,
        "beta": hand.floats((C,)) if affine in ("both", "beta") else None,
        "running_mean": hand.floats((C,)) if running == "yes" else None,
        "running_var": np.exp(hand.floats((C,))) if running == "yes" else None,
    }
    options = {
        "train": train,
        "momentum": hand.choice("momentum", [0.1, 0.0, 0.5, 1.0]),
        "eps": hand.choice("eps", [1e-5, 1e-3, 0.5]),
    }
    return Case("batch_norm", arrays, options)
