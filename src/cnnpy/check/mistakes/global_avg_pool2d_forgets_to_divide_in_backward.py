"""Each pixel gets the whole gradient of its channel.

Cause: Forward divided by the number of pixels, backward does not.

Mend: Divide: each of H*W pixels gets dout / (H*W).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.global_avg_pool2d import global_avg_pool2d_forward

__all__ = ["global_avg_pool2d_backward", "global_avg_pool2d_forward"]


def global_avg_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each channel's whole gradient to every pixel."""
    dx = np.zeros(cache, dtype=dout.dtype)
    dx[...] = dout
    return dx
