"""Outputs whose window starts behind the image, in the padding, stay 0.

Cause: Windows are started at range(0, H, stride), where H is the height without its padding.

Mend: Loop over the places of the output, range(H_out), and start window i at i*stride.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair
from cnnpy.reference.conv2d import conv2d_backward
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
    """Slide the filters over the padded images, as far as those without padding reach."""
    stride_h, stride_w = as_pair(stride)
    out, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    H, W = x.shape[2:]
    walked = np.zeros_like(out)
    reach = (slice(len(range(0, H, stride_h))), slice(len(range(0, W, stride_w))))
    walked[:, :, *reach] = out[:, :, *reach]
    return walked, cache
