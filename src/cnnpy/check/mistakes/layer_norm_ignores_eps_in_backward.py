"""Backward normalises without eps, where forward adds it.

Cause: x_hat, or the spread, is computed again in backward: by sqrt(var).

Mend: Divide by sqrt(var + eps) there too, or hand over in the cache what forward has.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.layer_norm import layer_norm_backward as right_backward
from cnnpy.reference.layer_norm import layer_norm_forward

__all__ = ["layer_norm_backward", "layer_norm_forward"]


def layer_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through values and spreads without eps."""
    x_hat, inv_std, gamma, beta, first = cache
    root = np.sqrt((x_hat**2).mean(axis=tuple(range(first, dout.ndim)), keepdims=True))
    return right_backward(
        dout, (x_hat / root, inv_std / root.reshape(inv_std.shape), gamma, beta, first)
    )
