"""Backward walks over as many places as the image has pixels.

Cause: The loops of backward run over H and W, the size of x, where forward ran over H_out and
W_out. The two are the same for a window of 3, a padding of 1 and a stride of 1.

Mend: Loop over the places of dout: N, F, H_out, W_out = dout.shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back from H rows and W columns of dout."""
    H, W = cache[0].shape[2:]
    taken = np.zeros_like(dout)
    for i, j in np.ndindex(H, W):
        taken[:, :, i, j] = dout[:, :, i, j]
    return right_backward(taken, cache)
