"""The results of dropout have seven right digits where x has float64.

Cause: The mask is turned to float32 and divided by the share that stays: that rounds the scale.

Mend: Divide in the type of x: mask.astype(x.dtype) / p, or x * mask / p with a mask of bool.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.dropout import dropout_backward as right_backward
from cnnpy.reference.dropout import dropout_forward as right_forward

__all__ = ["dropout_backward", "dropout_forward"]


def dropout_forward(
    x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float = 0.5
) -> tuple[FloatArray, Any]:
    """Drop entries, and multiply the others by a scale of float32."""
    out, cache = right_forward(x, mask=mask, p=p)
    if mask is None:
        return out, (None, cache)
    scaled = np.asarray(mask).astype(np.float32) / np.float32(1 - p)
    return np.asarray(x * scaled, dtype=x.dtype)[()], (scaled, cache)


def dropout_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Send the gradient back by the same scale."""
    scaled, right = cache
    if scaled is None:
        return right_backward(dout, right)
    return np.asarray(dout * scaled, dtype=dout.dtype)[()]
