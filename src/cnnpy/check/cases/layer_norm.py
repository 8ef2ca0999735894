"""Cases of layer_norm."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    sizes = tuple(hand.integer("size", 1, 5) for _ in range(hand.integer("axes", 1, 4)))
    sizes = (*sizes[:-1], sizes[-1] + 1)
    axis = hand.integer("axis", -len(sizes), len(sizes) - 1)
    if axis % len(sizes) and hand.choice("batch", ["some", "some", "none"]) == "none":
        sizes = (0, *sizes[1:])
    affine = hand.choice("affine", ["both", "both", "gamma", "beta", "none"])
    arrays = {
        "x": 2 * hand.floats(sizes) + 1,
        "gamma": hand.floats(sizes[axis:]) if affine in ("both", "gamma") else None,
        "beta": hand.floats(sizes[axis:]) if affine in ("both", "beta") else None,
    }
    eps = hand.choice("eps", [1e-5, 1e-3, 0.5])
    return Case("layer_norm", arrays, {"axis": axis, "eps": eps})
