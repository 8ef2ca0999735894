"""dx is that of the last image alone.

Cause: dx is set to zero inside the loop over the images, or written to behind it: the line that
takes the padding away stands one step too far to the left.

Mend: Make dx before the loop, and write to dx[n] for every n, inside of it.
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
    """Send the gradient back, and leave dx zero but for the last image."""
    dx, dw, db = right_backward(dout, cache)
    dx[:-1] = 0.0
    return dx, dw, db
