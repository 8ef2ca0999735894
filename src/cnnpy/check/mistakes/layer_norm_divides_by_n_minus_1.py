"""The values are normalised with the unbiased variance.

Cause: var is computed with ddof=1, as in statistics.

Mend: Divide by the number of features: x.var(axis=1), which has ddof=0.
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
    """Bring each image's features to mean beta and a spread with n - 1."""
    _, (x_hat, inv_std, *others) = right_forward(x, None, None, axis=axis, eps=eps)
    first = axis % x.ndim
    m = int(np.prod(x.shape[first:]))
    with np.errstate(all="ignore"):
        var = (1 / inv_std**2 - eps) * m / np.float64(m - 1)
        unbiased = (1 / np.sqrt(var + eps)).astype(x.dtype)
    each = (*inv_std.shape, *(1,) * (x.ndim - inv_std.ndim))
    x_hat = x_hat * (unbiased / inv_std).reshape(each)
    out = x_hat.copy() if gamma is None else x_hat * gamma
    if beta is not None:
        out = out + beta
    return out, (x_hat, unbiased, gamma, beta, first)
