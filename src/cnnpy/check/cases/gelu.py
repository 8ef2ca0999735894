"""Cases of gelu."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand, any_shape

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    x = any_shape(hand)
    return Case("gelu", {"x": x}, {"approximate": hand.choice("approximate", ["none", "tanh"])})
