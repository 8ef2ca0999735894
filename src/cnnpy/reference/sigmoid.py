"""sigmoid: the definition.

out = 1 / (1 + exp(-x)), d out/dx = out·(1 - out).

Written with exp(-|x|), which never overflows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["logistic", "sigmoid_backward", "sigmoid_forward"]


def sigmoid_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Squeeze each entry into (0, 1).

    Parameters
    ----------
    x : ndarray of any shape
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        ``1 / (1 + exp(-x))``, entry by entry.
    cache : ndarray
        A reference to x.
    """
    out = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = logistic(x[i])
    return out, x


def sigmoid_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Weigh the gradient with the slope s·(1 - s).

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : ndarray
        From `sigmoid_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.
    """
    x = cache
    dx = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        s = logistic(x[i])
        dx[i] = dout[i] * s * (1 - s)
    return dx


def logistic(value: Any) -> Any:
    """Compute 1 / (1 + exp(-value)) without overflow.

    Parameters
    ----------
    value : float32 or float64 scalar
        One entry.

    Returns
    -------
    float32 or float64 scalar
        Between 0 and 1.

    Examples
    --------
    >>> float(logistic(np.float64(0.0)))
    0.5
    >>> float(logistic(np.float64(-1000.0)))
    0.0
    """
    e = np.exp(-np.abs(value))
    return 1 / (1 + e) if value >= 0 else e / (1 + e)
