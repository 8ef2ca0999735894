"""relu: the definition.

out = max(x, 0). At x = 0 the gradient is 0, one of the subgradients; NaN stays NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["relu_backward", "relu_forward"]


def relu_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Cut off what is negative.

    Parameters
    ----------
    x : ndarray of any shape
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        ``max(x, 0)``, entry by entry.
    cache : ndarray
        A reference to x.
    """
    out = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = np.maximum(x[i], 0)
    return out, x


def relu_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Let the gradient through where x was positive.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : ndarray
        From `relu_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.
    """
    x = cache
    dx = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        dx[i] = 0 if x[i] <= 0 else dout[i]
    return dx
