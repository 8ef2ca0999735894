"""Cases of conv2d."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand, as_written, draw_axis

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    groups = hand.choice("groups", [1, 1, 1, 2, 3])
    C_group, F_group = hand.integer("C/groups", 1, 3), hand.integer("F/groups", 1, 3)
    window = (hand.integer("HH", 1, 5), hand.integer("WW", 1, 5))
    stride = (hand.integer("stride_h", 1, 3), hand.integer("stride_w", 1, 3))
    padding = (hand.integer("padding_h", 0, 3), hand.integer("padding_w", 0, 3))
    dilation = (hand.choice("dilation_h", [1, 1, 2]), hand.choice("dilation_w", [1, 1, 2, 3]))
    H, W = (
        draw_axis(hand, axis, d * (k - 1) + 1, p)
        for axis, k, p, d in zip("HW", window, padding, dilation, strict=True)
    )
    N = hand.choice("N", [0, 1, 2, 3])
    bias = hand.choice("bias", [True, True, False])
    arrays = {
        "x": hand.floats((N, C_group * groups, H, W)),
        "w": hand.floats((F_group * groups, C_group, *window)),
        "b": hand.floats((F_group * groups,)) if bias else None,
    }
    options = {
        "stride": as_written(hand, "stride", stride),
        "padding": as_written(hand, "padding", padding),
        "dilation": as_written(hand, "dilation", dilation),
        "groups": groups,
    }
    return Case("conv2d", arrays, options)
