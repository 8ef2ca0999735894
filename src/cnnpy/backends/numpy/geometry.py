"""How the windows of a convolution stand, and how a batch is cut into blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cnnpy.contract.shapes import Pair

__all__ = ["BLOCK_BYTES", "Geometry", "blocks", "offsets"]

BLOCK_BYTES = 4 << 20
"""What a block's matrix may take: it should stay in the second or third cache level."""


class Geometry(NamedTuple):
    """How the windows stand: pairs along H and W."""

    window: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int

    def is_pointwise(self) -> bool:
        """Tell whether each window is one pixel and each pixel one window."""
        return self.window == self.stride == (1, 1) and self.padding == (0, 0)


def blocks(N: int, image_bytes: int, block_bytes: int = BLOCK_BYTES) -> list[slice]:
    """Cut N images into blocks of about `block_bytes` each."""
    step = max(1, block_bytes // max(image_bytes, 1))
    return [slice(start, min(start + step, N)) for start in range(0, N, step)]


def offsets(
    geometry: Geometry, H_out: int, W_out: int
) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """Walk over the entries of the window, with the padded pixels that lie under each."""
    (HH, WW), (stride_h, stride_w) = geometry.window, geometry.stride
    dilation_h, dilation_w = geometry.dilation
    for u in range(HH):
        top = u * dilation_h
        rows = slice(top, top + stride_h * (H_out - 1) + 1, stride_h)
        for v in range(WW):
            left = v * dilation_w
            yield u, v, (rows, slice(left, left + stride_w * (W_out - 1) + 1, stride_w))
