"""Cases of relu6."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand, any_shape

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call; coarse ones times 3 lie on both kinks."""
    x = any_shape(hand)
    return Case("relu6", {"x": x})
