"""relu6: the definition.

out = min(max(x, 0), 6). At x = 0 and x = 6 the gradient is 0, one of the subgradients;
NaN stays NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["relu6_backward", "relu6_forward"]


def relu6_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Cut off what is negative and what is above 6.

    Parameters
    ----------
    x : ndarray of any shape
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        ``min(max(x, 0), 6)``, entry by entry.
    cache : ndarray
        A reference to x.
    """
    out = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = np.minimum(np.maximum(x[i], 0), 6)
    return out, x


def relu6_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Let the gradient through where x was between 0 and 6.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : ndarray
        From `relu6_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.
    """
    x = cache
    dx = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        dx[i] = 0 if x[i] <= 0 or x[i] >= 6 else dout[i]
    return dx
