"""dx comes through filters that are turned by half a turn.

Cause: dx is a convolution of dout with the flipped filter; who adds windows up has not to flip it
too.

Mend: Add dout[n, f, i, j] * w[f], the filter as it is, to each window of dx_pad.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back, to x through the flipped filters."""
    x, w, *others = cache
    _, dw, db = right_backward(dout, cache)
    dx, _, _ = right_backward(dout, (x, w[:, :, ::-1, ::-1], *others))
    return dx, dw, db
