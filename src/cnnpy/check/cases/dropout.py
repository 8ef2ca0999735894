"""Cases of dropout."""

from __future__ import annotations

import numpy as np

from cnnpy.check.case import Case, Hand, any_shape

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    x = any_shape(hand)
    p = hand.choice("p", [0.5, 0.1, 0.0, 1.0])
    mask = hand.floats(x.shape) > 0 if hand.choice("mask", [True, True, False]) else None
    return Case("dropout", {"x": x, "mask": None if mask is None else np.asarray(mask)}, {"p": p})
