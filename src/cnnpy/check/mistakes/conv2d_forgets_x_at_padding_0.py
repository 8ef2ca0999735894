"""Without padding the images are all zeros: out has the bias alone, and dw is 0.

Cause: An array of zeros is made for the padded images, and they are written into it only where
there is a padding: if pad != 0.

Mend: Write them in every case: x_pad[:, :, pad : pad + H, pad : pad + W] = x, or np.pad.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward as right_forward

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[FloatArray, Any]:
    """Slide the filters over the images where they are padded, over zeros where not."""
    seen = x if any(as_pair(padding)) else np.zeros_like(x)
    return right_forward(
        seen, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back to the filters from images of zeros where there is no padding."""
    x, w, b, stride, padding, *others = cache
    seen = x if any(padding) else np.zeros_like(x)
    return right_backward(dout, (seen, w, b, stride, padding, *others))
