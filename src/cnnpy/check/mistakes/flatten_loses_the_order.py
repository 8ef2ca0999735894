"""The entries of a row stand in the order (H, W, C).

Cause: The channels are brought to the end before the reshape, or order='F' is used.

Mend: Reshape x as it is: x.reshape(N, -1).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["flatten_backward", "flatten_forward"]


def flatten_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Lay each image out as one row, channels last."""
    last = np.moveaxis(x, 1, -1) if x.ndim > 2 else x
    return last.reshape(len(x), math.prod(x.shape[1:])).copy(), last.shape


def flatten_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Fold each row back into an image."""
    dlast = dout.reshape(cache).copy()
    return np.moveaxis(dlast, -1, 1) if dlast.ndim > 2 else dlast
