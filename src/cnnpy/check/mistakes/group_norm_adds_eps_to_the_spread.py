"""eps stands outside of the root.

Cause: The values are divided by sqrt(var) + eps.

Mend: Divide by sqrt(var + eps).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.group_norm import group_norm_backward
from cnnpy.reference.group_norm import group_norm_forward as right_forward

__all__ = ["group_norm_backward", "group_norm_forward"]


def group_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    groups: int,
    eps: float = 1e-5,
) -> tuple[FloatArray, Any]:
    """Bring each group to mean beta, eps added to the spread."""
    _, (x_hat, inv_std, *_) = right_forward(x, None, None, groups=groups, eps=eps)
    spread = (1 / (np.sqrt(np.maximum(1 / inv_std**2 - eps, 0)) + eps)).astype(x.dtype)
    parts = x_hat.reshape(*inv_std.shape, -1) * (spread / inv_std)[..., None]
    x_hat = parts.reshape(x.shape)
    column = (-1, *(1,) * (x.ndim - 2))
    out = x_hat.copy() if gamma is None else x_hat * gamma.reshape(column)
    if beta is not None:
        out = out + beta.reshape(column)
    return out, (x_hat, spread, gamma, beta, groups)
