"""Cases of concat."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    n_axes = hand.integer("axes", 1, 4)
    axis = hand.integer("axis", -n_axes, n_axes - 1)
    sizes = [hand.integer("size", 1, 4) for _ in range(n_axes)]
    xs = []
    for _ in range(hand.integer("arrays", 1, 4)):
        sizes[axis] = hand.integer("size along axis", 0, 4)
        xs.append(hand.floats(tuple(sizes)))
    return Case("concat", {"xs": xs}, {"axis": axis})
