"""Cases of tanh."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand, any_shape

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    x = any_shape(hand)
    return Case("tanh", {"x": x})
