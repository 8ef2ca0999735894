"""Cases of global_avg_pool2d."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    N, C = hand.choice("N", [0, 1, 2, 3]), hand.integer("C", 1, 4)
    H, W = hand.integer("H", 1, 8), hand.integer("W", 1, 8)
    return Case("global_avg_pool2d", {"x": hand.floats((N, C, H, W))})
