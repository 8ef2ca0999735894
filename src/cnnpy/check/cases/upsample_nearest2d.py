"""Cases of upsample_nearest2d."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand, as_written

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    scale = (hand.integer("scale_h", 1, 4), hand.integer("scale_w", 1, 4))
    N, C = hand.choice("N", [0, 1, 2]), hand.integer("C", 1, 3)
    x = hand.floats((N, C, hand.integer("H", 1, 4), hand.integer("W", 1, 4)))
    options = {"scale_factor": as_written(hand, "scale_factor", scale)}
    return Case("upsample_nearest2d", {"x": x}, options)
