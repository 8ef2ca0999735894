"""leaky_relu: the definition.

out = x where x > 0, negative_slope·x elsewhere. At x = 0 the gradient is the slope.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["leaky_relu_backward", "leaky_relu_forward"]


def leaky_relu_forward(x: FloatArray, *, negative_slope: float = 0.01) -> tuple[FloatArray, Any]:
    """Shrink what is negative by a slope.

    Parameters
    ----------
    x : ndarray of any shape
        Entries.
    negative_slope : float
        Slope on the negative side.

    Returns
    -------
    out : ndarray of the shape of x
        ``x`` or ``negative_slope * x``, entry by entry.
    cache : tuple
        A reference to x, and the slope.
    """
    out = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = x[i] if x[i] > 0 else x[i] * negative_slope
    return out, (x, negative_slope)


def leaky_relu_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Let the gradient through, shrunk where x was not positive.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : tuple
        From `leaky_relu_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.
    """
    x, negative_slope = cache
    dx = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        dx[i] = dout[i] if x[i] > 0 else dout[i] * negative_slope
    return dx
