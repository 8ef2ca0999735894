"""dx is scaled by beta, not by gamma.

Cause: The cache is taken apart in another order than it was packed in, and beta comes for gamma.

Mend: Take the cache apart in the order in which forward packs it.
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
    """Send the gradient back, beta taken for gamma."""
    x_hat, inv_std, gamma, beta, groups = cache
    _, dgamma, dbeta = right_backward(dout, cache)
    dx, _, _ = right_backward(dout, (x_hat, inv_std, beta, gamma, groups))
    return dx, dgamma, dbeta
