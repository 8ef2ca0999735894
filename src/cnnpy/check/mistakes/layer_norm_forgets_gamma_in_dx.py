"""dx is without gamma.

Cause: Backward starts from dout, where it should start from dout * gamma.

Mend: Begin with dx_hat = dout * gamma: out is gamma * x_hat + beta.
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
    """Send the gradient back, to x as if gamma were 1."""
    x_hat, inv_std, gamma, beta, first = cache
    _, dgamma, dbeta = right_backward(dout, cache)
    dx, _, _ = right_backward(dout, (x_hat, inv_std, None, beta, first))
    return dx, dgamma, dbeta
