"""Every channel of the output holds the largest entry of all channels.

Cause: np.max of a window with its channels gives one number; it has to be asked for each channel.

Mend: Keep the channels: x[n, :, rows, columns].max(axis=(1, 2)).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.max_pool2d import max_pool2d_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward as right_forward

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Any]:
    """Keep the largest entry of each window, of all channels."""
    out, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    return np.repeat(out.max(axis=1, keepdims=True), out.shape[1], axis=1), cache
