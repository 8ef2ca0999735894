"""How the windows of a pooling stand, as the kernels are told, and which tap of each won."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import empty
from cnnpy.contract import shapes
from cnnpy.contract.shapes import Pair, Shape

__all__ = ["geometry", "pooled_shape", "room_for_taps"]


def pooled_shape(x: Shape, kernel_size: Pair, stride: Pair, padding: Pair) -> Shape:
    """Return (N, H_out, W_out, C) for images (N, C, H, W)."""
    N, C, H, W = x
    H_out, W_out = (
        shapes.out_size(*axis, 1) for axis in zip((H, W), kernel_size, stride, padding, strict=True)
    )
    return N, H_out, W_out, C


def geometry(
    x: Shape,
    pooled: Shape,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    count_include_pad: bool = True,
) -> _native.Pool2d:
    """Tell the kernels how the windows stand."""
    N, C, H, W = x
    return _native.Pool2d(
        N, C, H, W, *kernel_size, *stride, *padding, pooled[1], pooled[2], count_include_pad
    )


def room_for_taps(pooled: Shape, kernel_size: Pair) -> NDArray[np.integer[Any]]:
    """Make room for the tap that wins in each window: a byte, whose 255 means none, if it can."""
    few = kernel_size[0] * kernel_size[1] <= 255
    room: NDArray[np.integer[Any]] = empty(pooled, np.dtype(np.uint8 if few else np.int32))
    return room
