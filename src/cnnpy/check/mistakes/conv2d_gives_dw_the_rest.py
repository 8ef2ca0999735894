"""dw is larger than w where the stride does not divide.

Cause: dw is made as a convolution of the padded images with dout, zeros put in between, and takes
all places that fit. The rows and columns that no window reaches give some more.

Mend: Make HH times WW places: dw = np.zeros_like(w), and loop over range(HH) and range(WW).
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
    """Send the gradient back to filters that reach as far as the images do."""
    x, w, b, stride, padding, dilation, groups = cache
    more = [(0, 0), (0, 0)]
    for size, pad, n, step, k, apart in zip(
        x.shape[2:], padding, dout.shape[2:], stride, w.shape[2:], dilation, strict=True
    ):
        rest = size + 2 * pad - covered(n - 1, step, k, apart).stop
        more.append((0, rest // apart))
    return right_backward(dout, (x, np.pad(w, more), b, stride, padding, dilation, groups))
