"""mean_squared_error: the definition.

loss = 1/size Σ (x - target)²,   dx = 2·(x - target) / size
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray

__all__ = ["mean_squared_error_backward", "mean_squared_error_forward"]


def mean_squared_error_forward(x: FloatArray, target: FloatArray) -> tuple[Any, Any]:
    """Average the squared differences over all entries.

    Parameters
    ----------
    x, target : ndarray of one shape
        What came out, and what was wanted.

    Returns
    -------
    loss : float32 or float64 scalar
        The mean; NaN for no entries.
    cache : tuple
        References to x and target.
    """
    shapes.mean_squared_error(x.shape, target.shape)
    loss: Any = x.dtype.type(0)
    for i in np.ndindex(x.shape):
        loss += (x[i] - target[i]) ** 2
    return (loss / x.size if x.size else x.dtype.type(np.nan)), (x, target)


def mean_squared_error_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Pull each entry towards what was wanted.

    Parameters
    ----------
    dout : ndarray of shape ()
        Gradient of what is minimised with respect to this loss, most often 1.
    cache : tuple
        From `mean_squared_error_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.
    """
    x, target = cache
    dx = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        dx[i] = dout * 2 * (x[i] - target[i]) / x.size
    return dx
