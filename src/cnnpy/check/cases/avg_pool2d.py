"""Cases of avg_pool2d."""

from __future__ import annotations

from cnnpy.check.case import Case, Hand, as_written, draw_axis

__all__ = ["draw"]


def draw(hand: Hand) -> Case:
    """Draw the inputs and options of one call."""
    window = (hand.integer("HH", 1, 4), hand.integer("WW", 1, 4))
    padding = tuple(
        hand.integer(f"padding_{axis}", 0, k // 2) for axis, k in zip("hw", window, strict=True)
    )
    stride = hand.choice(
        "stride", [None, 1, 2, (hand.integer("stride_h", 1, 4), hand.integer("stride_w", 1, 4))]
    )
    H, W = (draw_axis(hand, axis, k, p) for axis, k, p in zip("HW", window, padding, strict=True))
    N, C = hand.choice("N", [0, 1, 2, 3]), hand.integer("C", 1, 3)
    arrays = {"x": hand.floats((N, C, H, W), coarse=hand.choice("ties", [True, False]))}
    options = {
        "kernel_size": as_written(hand, "kernel_size", window),
        "stride": stride,
        "padding": as_written(hand, "padding", padding),
        "count_include_pad": hand.choice("count_include_pad", [True, False]),
    }
    return Case("avg_pool2d", arrays, options)
