"""Backward looks for the largest entries in windows that stand one pixel apart.

Cause: Backward takes x[i : i + HH], where window i starts at i*stride.

Mend: Take the same window in both passes: it starts at i*stride.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_backward as right_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to the largest entry of a window that starts at (i, j)."""
    x, kernel_size, _, padding = cache
    H_out, W_out = dout.shape[2:]
    dense, steps = max_pool2d_forward(x, kernel_size=kernel_size, stride=1, padding=padding)
    wide = np.zeros(dense.shape, dtype=dout.dtype)
    wide[:, :, :H_out, :W_out] = dout
    return right_backward(wide, steps)
