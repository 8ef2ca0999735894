"""Without padding backward has no image to work with: forward keeps an empty one.

Cause: x is padded under its own name, and x[:, :, pad:-pad, pad:-pad] goes into the cache to have
it as it was; -pad is -0, and the slice 0:-0 is empty.

Mend: Give the padded image a name of its own, x_pad, and keep x.
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
    """Send the gradient back with what the slice leaves of the images."""
    x, w, b, stride, (pad_h, pad_w), *others = cache
    kept = x[:, :, : None if pad_h else 0, : None if pad_w else 0]
    return right_backward(dout, (kept, w, b, stride, (pad_h, pad_w), *others))
