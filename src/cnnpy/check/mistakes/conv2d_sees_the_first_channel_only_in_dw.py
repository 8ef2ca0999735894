"""dw is right in the first channel, and that stands in all of them.

Cause: The window is taken from channel 0, x_pad[n, 0, ...], and spread over the channels of dw.

Mend: Take all channels: dw[f] += dout[n, f, i, j] * x_pad[n, :, rows, columns].
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
    """Send the gradient back, that of the filters from the first channel."""
    dx, dw, db = right_backward(dout, cache)
    return dx, np.repeat(dw[:, :1], dw.shape[1], axis=1), db
