"""The gradient of what stayed is too small.

Cause: Forward divides by the share that stays, backward multiplies with the mask alone.

Mend: Scale in both passes: dout * mask / share.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.dropout import dropout_backward as right_backward
from cnnpy.reference.dropout import dropout_forward

__all__ = ["dropout_backward", "dropout_forward"]


def dropout_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Let the gradient through where the entry stayed, as it is."""
    mask, _ = cache
    return right_backward(dout, (mask, 0.0))
