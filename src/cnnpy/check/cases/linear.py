"""Cases of linear."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    N, D, M = (
        hand.choice("N", [0, 1, 2, 5]),
        hand.integer("D", 0, 12),
        hand.choice("M", [1, 1, 2, 4, 7]),
    )
    bias = hand.choice("bias", [True, True, False])
    arrays = {
        "x": hand.floats((N, D)),
        "w": hand.floats((M, D)),
        "b": hand.floats((M,)) if bias else None,
    }
    return Case("linear", arrays)
