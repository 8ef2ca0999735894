"""eps stands outside of the root.

Cause: The values are divided by sqrt(var) + eps.

Mend: Divide by sqrt(var + eps).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.layer_norm import layer_norm_backward
from cnnpy.reference.layer_norm import layer_norm_forward as right_forward

__all__ = ["layer_norm_backward", "layer_norm_forward"]


def layer_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    axis: int = -1,
    eps: float = 1e-5,
) -> tuple[FloatArray, Any]:
    """Bring each image's features to mean beta, eps added to the spread."""
    _, (x_hat, inv_std, *others) = right_forward(x, None, None, axis=axis, eps=eps)
    spread = (1 / (np.sqrt(np.maximum(1 / inv_std**2 - eps, 0)) + eps)).astype(x.dtype)
    each = (*inv_std.shape, *(1,) * (x.ndim - inv_std.ndim))
    x_hat = x_hat * (spread / inv_std).reshape(each)
    out = x_hat.copy() if gamma is None else x_hat * gamma
    if beta is not None:
        out = out + beta
    return out, (x_hat, spread, gamma, beta, axis % x.ndim)
