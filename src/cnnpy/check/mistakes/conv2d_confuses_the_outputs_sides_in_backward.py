"""Backward breaks where the output is not square.

Cause: The number of rows stands where that of columns belongs: in a slice, a loop, or where the
shape of dout is taken apart.

Mend: Take H_out along the rows and W_out along the columns: N, F, H_out, W_out = dout.shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back from W_out rows and H_out columns."""
    N, F, W_out, H_out = dout.shape
    taken = np.zeros_like(dout)
    for n, f, i, j in np.ndindex(N, F, H_out, W_out):
        taken[n, f, i, j] = dout[n, f, i, j]
    return right_backward(taken, cache)
