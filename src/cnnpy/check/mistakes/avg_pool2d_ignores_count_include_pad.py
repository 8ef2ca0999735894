"""The padding counts, even if it is told not to.

Cause: The sum is always divided by HH*WW.

Mend: With count_include_pad=False divide by the number of the image's own entries.
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
    """Keep the mean of each window, the padding counted."""
    return right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
