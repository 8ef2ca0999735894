"""dw is that of the last image alone.

Cause: dw is set to zero, or assigned, inside the loop over the images.

Mend: Make dw before the loop and add to it: every image used the same filters.
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
    """Send the gradient back, that of the filters from the last image."""
    x, *others = cache
    dx, _, db = right_backward(dout, cache)
    _, dw, _ = right_backward(dout[-1:], (x[-1:], *others))
    return dx, dw, db
