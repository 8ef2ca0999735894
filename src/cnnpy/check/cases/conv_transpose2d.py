"""Cases of conv_transpose2d."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand, as_written

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    groups = hand.choice("groups", [1, 1, 1, 2, 3])
    C_group, F_group = hand.integer("C/groups", 1, 3), hand.integer("F/groups", 1, 3)
    window = (hand.integer("HH", 1, 4), hand.integer("WW", 1, 4))
    stride = (hand.integer("stride_h", 1, 3), hand.integer("stride_w", 1, 3))
    dilation = (hand.choice("dilation_h", [1, 1, 2]), hand.choice("dilation_w", [1, 1, 2, 3]))
    extra = tuple(
        hand.integer(f"output_padding_{axis}", 0, max(s, d) - 1)
        for axis, s, d in zip("hw", stride, dilation, strict=True)
    )
    size = (hand.integer("H", 1, 5), hand.integer("W", 1, 5))
    padding = tuple(
        hand.integer(f"padding_{axis}", 0, min(3, ((n - 1) * s + d * (k - 1) + e) // 2))
        for axis, n, s, d, k, e in zip("hw", size, stride, dilation, window, extra, strict=True)
    )
    N = hand.choice("N", [0, 1, 2, 3])
    bias = hand.choice("bias", [True, True, False])
    arrays = {
        "x": hand.floats((N, C_group * groups, *size)),
        "w": hand.floats((C_group * groups, F_group, *window)),
        "b": hand.floats((F_group * groups,)) if bias else None,
    }
    options = {
        "stride": as_written(hand, "stride", stride),
        "padding": as_written(hand, "padding", padding),
        "output_padding": as_written(hand, "output_padding", extra),
        "dilation": as_written(hand, "dilation", dilation),
        "groups": groups,
    }
    return Case("conv_transpose2d", arrays, options)
