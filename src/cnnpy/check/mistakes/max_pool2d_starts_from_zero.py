"""A window of negative entries gives 0.

Cause: The search for the maximum starts from 0, the value that np.zeros left in out.

Mend: Start from the first entry, or from -np.inf.
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
    """Keep the largest of zero and the entries of each window."""
    out, cache = right_forward(x, kernel_size=kernel_size, stride=stride, padding=padding)
    return np.maximum(out, 0), cache
