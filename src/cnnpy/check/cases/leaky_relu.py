"""Cases of leaky_relu."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand, any_shape

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    x = any_shape(hand)
    return Case(
        "leaky_relu",
        {"x": x},
        {"negative_slope": hand.choice("negative_slope", [0.01, 0.0, 0.3, 1.5])},
    )
