"""dw is that of the last window of the last image.

Cause: The filter's gradient is assigned (=) and not added (+=).

Mend: Add: dw[f] += dout[n, f, i, j] * window; every place used the same filter.
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
    """Send the gradient back, that of the filters from the last place."""
    dx, _, db = right_backward(dout, cache)
    last = np.zeros_like(dout)
    last[-1:, :, -1, -1] = dout[-1:, :, -1, -1]
    _, dw, _ = right_backward(last, cache)
    return dx, dw, db
