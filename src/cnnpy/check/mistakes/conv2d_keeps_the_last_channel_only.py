"""The output is that of the last channel alone.

Cause: The sum is assigned (=) in the loop over the channels, and not added (+=).

Mend: Sum over the channels too: out[n, f, i, j] = np.sum(window * w[f]) + b[f].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
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
    """Slide the filters over the last channel."""
    alone = np.zeros_like(w)
    alone[:, -1] = w[:, -1]
    out, (_, _, _, *sizes) = right_forward(
        x, alone, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return out, (x, w, b, *sizes)
