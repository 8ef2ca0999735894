"""Backward normalises without eps, where forward adds it.

Cause: x_hat, or the spread, is computed again in backward: by sqrt(var).

Mend: Divide by sqrt(var + eps) there too, or hand over in the cache what forward has.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.group_norm import group_norm_backward as right_backward
from cnnpy.reference.group_norm import group_norm_forward

__all__ = ["group_norm_backward", "group_norm_forward"]


def group_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through values and spreads without eps."""
    x_hat, inv_std, gamma, beta, groups = cache
    parts = x_hat.reshape(*inv_std.shape, -1)
    root = np.sqrt((parts**2).mean(axis=2))
    hat = (parts / root[..., None]).reshape(x_hat.shape)
    return right_backward(dout, (hat, inv_std / root, gamma, beta, groups))
