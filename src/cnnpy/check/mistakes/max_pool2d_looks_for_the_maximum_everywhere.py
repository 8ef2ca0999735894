"""Equal numbers outside of the window take part of its gradient.

Cause: The maximum of a window is looked for in the whole image: np.where(x[n, c] == window.max()).

Mend: Look for it in the window alone: np.unravel_index(window.argmax(), window.shape).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.max_pool2d import max_pool2d_forward
from cnnpy.reference.windows import clipped

__all__ = ["OTHER_WAYS", "max_pool2d_backward", "max_pool2d_forward"]


def max_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each output's gradient to every entry of the image that equals the maximum."""
    return _routed(dout, cache, True)


def _overwritten(dout: FloatArray, cache: Any) -> FloatArray:
    return _routed(dout, cache, False)


OTHER_WAYS = {
    "overwritten": (
        max_pool2d_forward,
        _overwritten,
        "max_pool2d_overwrites_where_windows_overlap",
    ),
}


def _routed(dout: FloatArray, cache: Any, add: bool) -> FloatArray:
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    dx: FloatArray = np.zeros(x.shape, dtype=x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        rows = clipped(i, stride_h, HH, pad_h, H)
        columns = clipped(j, stride_w, WW, pad_w, W)
        here = x[n, c] == np.max(x[n, c, rows, columns])
        dx[n, c][here] = dout[n, c, i, j] + (dx[n, c][here] if add else 0.0)
    return dx
