"""tanh: the definition.

out = tanh(x), d out/dx = 1 - out².
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["tanh_backward", "tanh_forward"]


def tanh_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Squeeze each entry into (-1, 1).

    Parameters
    ----------
    x : ndarray of any shape
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        ``tanh(x)``, entry by entry.
    cache : ndarray
        A reference to x.
    """
    out = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = np.tanh(x[i])
    return out, x


def tanh_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Weigh the gradient with the slope 1 - tanh².

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : ndarray
        From `tanh_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.
    """
    x = cache
    dx = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        t = np.tanh(x[i])
        dx[i] = dout[i] * (1 - t * t)
    return dx
