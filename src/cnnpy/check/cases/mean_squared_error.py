"""Cases of mean_squared_error."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    sizes = tuple(hand.integer("size", 1, 5) for _ in range(hand.integer("axes", 0, 4)))
    return Case("mean_squared_error", {"x": hand.floats(sizes), "target": hand.floats(sizes)})
