"""Cases of softmax."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    sizes = tuple(hand.integer("size", 1, 5) for _ in range(hand.integer("axes", 1, 4)))
    axis = hand.integer("axis", -len(sizes), len(sizes) - 1)
    batch = hand.choice("batch", ["some", "none"]) if axis % len(sizes) else "some"
    x = hand.floats((0, *sizes[1:]) if batch == "none" else sizes)
    return Case("softmax", {"x": x * hand.choice("scale", [1.0, 30.0, 1000.0])}, {"axis": axis})
