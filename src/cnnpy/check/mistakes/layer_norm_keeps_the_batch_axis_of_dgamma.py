"""dgamma and dbeta have the shape (1, D).

Cause: The sums keep the axis that they go over: keepdims=True.

Mend: Give them the shape of gamma and beta, (D,): sum without keepdims.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.layer_norm import layer_norm_backward as right_backward
from cnnpy.reference.layer_norm import layer_norm_forward

__all__ = ["layer_norm_backward", "layer_norm_forward"]


def layer_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back, that of scale and shift with an axis too many."""
    dx, dgamma, dbeta = right_backward(dout, cache)
    return dx, None if dgamma is None else dgamma[None], None if dbeta is None else dbeta[None]
