"""Backward breaks where the output is not square.

Cause: The number of rows stands where that of columns belongs: in a slice, a loop, or where the
shape of dout is taken apart.

Mend: Take H_out along the rows and W_out along the columns: N, C, H_out, W_out = dout.shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_backward as right_backward
from cnnpy.reference.max_pool2d import max_pool2d_forward

__all__ = ["max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Send the gradient back from W_out rows and H_out columns."""
    N, C, W_out, H_out = dout.shape
    taken = np.zeros_like(dout)
    for n, c, i, j in np.ndindex(N, C, H_out, W_out):
        taken[n, c, i, j] = dout[n, c, i, j]
    return right_backward(taken, cache)
