"""The windows stand side by side, whatever the stride.

Cause: The window's size is used as the step: x[i*HH : (i + 1)*HH].

Mend: Start window i at i*stride.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.reference.avg_pool2d import avg_pool2d_backward
from cnnpy.reference.avg_pool2d import avg_pool2d_forward as right_forward

__all__ = ["avg_pool2d_backward", "avg_pool2d_forward"]


def avg_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    count_include_pad: bool = True,
) -> tuple[FloatArray, Any]:
    """Keep the mean of windows that stand side by side."""
    return right_forward(
        x, kernel_size=kernel_size, padding=padding, count_include_pad=count_include_pad
    )
