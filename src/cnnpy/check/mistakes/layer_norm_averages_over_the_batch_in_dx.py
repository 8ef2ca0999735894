"""dx is off: its means are taken over the batch.

Cause: Backward is that of batch_norm, whose sums go over axis 0.

Mend: Take the means over the features, each image for itself: axis=1, keepdims=True.
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
    """Send the gradient back, with means over the batch."""
    x_hat, inv_std, gamma, beta, first = cache
    _, dgamma, dbeta = right_backward(dout, cache)
    dx_hat = dout if gamma is None else dout * gamma
    n = dout.dtype.type(max(len(dout), 1))
    mean, slope = dx_hat.sum(axis=0) / n, (dx_hat * x_hat).sum(axis=0) / n
    each = (*inv_std.shape, *(1,) * (dout.ndim - inv_std.ndim))
    return inv_std.reshape(each) * (dx_hat - mean - x_hat * slope), dgamma, dbeta
