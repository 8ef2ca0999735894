"""Cases of flatten."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    n_axes = hand.integer("axes", 1, 5)
    sizes = tuple(hand.integer("size", 0 if k == 0 else 1, 4) for k in range(n_axes))
    return Case("flatten", {"x": hand.floats(sizes)})
