"""Cases of pad2d."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    mode = hand.choice("mode", ["constant", "reflect", "replicate", "circular"])
    H, W = hand.integer("H", 1, 6), hand.integer("W", 1, 6)
    most = {"constant": (3, 3), "reflect": (H - 1, W - 1), "replicate": (3, 3), "circular": (H, W)}
    top, bottom, left, right = (
        hand.integer(side, 0, min(3, most[mode][k // 2]))
        for k, side in enumerate(("top", "bottom", "left", "right"))
    )
    written = hand.choice("written as", ["four", "pair", "one"])
    padding = {"four": (top, bottom, left, right), "pair": (top, left), "one": min(top, left)}[
        written
    ]
    options = {"padding": padding, "mode": mode, "value": hand.choice("value", [0.0, 1.5, -2.0])}
    N, C = hand.choice("N", [0, 1, 2]), hand.integer("C", 1, 3)
    return Case("pad2d", {"x": hand.floats((N, C, H, W))}, options)
