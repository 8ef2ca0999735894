"""db has an entry for each pixel of the output.

Cause: The sum goes over the images alone: dout.sum(axis=0).

Mend: Sum over the images and the pixels: db = dout.sum(axis=(0, 2, 3)).
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
    """Send the gradient back, that of the biases pixel by pixel."""
    dx, dw, db = right_backward(dout, cache)
    return dx, dw, None if db is None else dout.sum(axis=0)
