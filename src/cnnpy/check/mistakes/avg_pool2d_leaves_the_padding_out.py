"""Windows at the border have the mean of the image's own entries, though the padding counts.

Cause: The sum is divided by the number of entries inside of the image, whatever count_include_pad.

Mend: Divide by HH*WW; by the number of entries inside only with count_include_pad=False.
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
    """Keep the mean of the image's own entries in each window."""
    return right_forward(
        x, kernel_size=kernel_size, stride=stride, padding=padding, count_include_pad=False
    )
