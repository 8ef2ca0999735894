"""Backward loses the gradient of some columns, or breaks, where the output is not square.

Cause: In backward the columns are counted as the rows are: out_w = 1 + (H - HH) // stride.

Mend: Take both from dout: N, C, H_out, W_out = dout.shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_backward as right_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Send the gradient back from as many columns as there are rows."""
    H_out, W_out = dout.shape[2:]
    if H_out > W_out:
        raise IndexError(f"column {W_out} is out of bounds for {W_out} columns")
    met: FloatArray = np.where(np.arange(W_out) < H_out, dout, 0)
    return right_backward(met, cache)
