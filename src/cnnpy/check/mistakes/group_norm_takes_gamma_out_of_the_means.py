"""dx is off: gamma is multiplied with the result, and not with dout.

Cause: In batch_norm gamma is one number for all that is averaged, and may stand in front; here a
group has channels of several.

Mend: Begin with dx_hat = dout * gamma, and take its means.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.group_norm import group_norm_backward as right_backward
from cnnpy.reference.group_norm import group_norm_forward

__all__ = ["group_norm_backward", "group_norm_forward"]


def group_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back, and multiply with gamma at the end."""
    x_hat, inv_std, gamma, beta, groups = cache
    _, dgamma, dbeta = right_backward(dout, cache)
    dx, _, _ = right_backward(dout, (x_hat, inv_std, None, beta, groups))
    if gamma is not None:
        dx = dx * gamma.reshape(-1, *(1,) * (dout.ndim - 2))
    return dx, dgamma, dbeta
