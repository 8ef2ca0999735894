"""dx is off by the factor gamma.

Cause: Backward starts from dout, where it should start from dout * gamma.

Mend: Begin with dx_hat = dout * gamma: out is gamma * x_hat + beta.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.batch_norm import batch_norm_backward as right_backward
from cnnpy.reference.batch_norm import batch_norm_forward

__all__ = ["batch_norm_backward", "batch_norm_forward"]


def batch_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back, to x as if gamma were 1."""
    x_hat, inv_std, gamma, beta, train = cache
    _, dgamma, dbeta = right_backward(dout, cache)
    dx, _, _ = right_backward(dout, (x_hat, inv_std, None, beta, train))
    return dx, dgamma, dbeta
