"""Cases of group_norm."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    groups, size = hand.integer("groups", 1, 4), hand.integer("C/groups", 1, 3)
    images = hand.choice("axes", ["features", "images", "images"])
    pixels = (hand.integer("H", 1, 4), hand.integer("W", 2, 4)) if images == "images" else ()
    if images == "features":
        size += 1  # a group of one value has no spread
    C = groups * size
    affine = hand.choice("affine", ["both", "both", "gamma", "beta", "none"])
    arrays = {
        "x": 2 * hand.floats((hand.choice("N", [0, 1, 3]), C, *pixels)) + 1,
        "gamma": hand.floats((C,)) if affine in ("both", "gamma") else None,
        "beta": hand.floats((C,)) if affine in ("both", "beta") else None,
    }
    options = {"groups": groups, "eps": hand.choice("eps", [1e-5, 1e-3, 0.5])}
    return Case("group_norm", arrays, options)
