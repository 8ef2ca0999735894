"""dw breaks, or is off, where there is padding.

Cause: Backward takes the windows from x, where forward took them from x_pad.

Mend: Pad x in backward too, and take dw from windows of x_pad.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward
from cnnpy.reference.windows import covered

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back, that of the filters from windows of the unpadded images."""
    x, w, b, stride, padding, (dilation_h, dilation_w), groups = cache
    dx, _, db = right_backward(dout, cache)
    dw = np.zeros_like(w)
    F, C_group, HH, WW = w.shape
    for n, f, i, j in np.ndindex(dout.shape):
        first = f // (F // groups) * C_group
        rows = covered(i, stride[0], HH, dilation_h)
        columns = covered(j, stride[1], WW, dilation_w)
        dw[f] += dout[n, f, i, j] * x[n, first : first + C_group, rows, columns]
    return dx, dw, db
