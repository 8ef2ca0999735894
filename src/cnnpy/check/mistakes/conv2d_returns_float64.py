"""float32 goes in and float64 comes out.

Cause: np.zeros(shape) is float64 unless it is told otherwise.

Mend: Say the dtype: np.zeros(shape, dtype=x.dtype).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
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
    """Slide the filters over the images in float64."""
    return right_forward(
        x.astype(np.float64),
        w.astype(np.float64),
        None if b is None else b.astype(np.float64),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back in float64."""
    return right_backward(dout.astype(np.float64), cache)
