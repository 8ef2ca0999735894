"""silu: the definition.

out = x·s with s = 1 / (1 + exp(-x)), d out/dx = s·(1 + x·(1 - s)). Also called swish.

Elfwing, Uchibe, Doya: Sigmoid-weighted linear units. Neural Networks 107, 2018.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.sigmoid import logistic

__all__ = ["silu_backward", "silu_forward"]


def silu_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Weigh each entry by its sigmoid.

    Parameters
    ----------
    x : ndarray of any shape
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        ``x * sigmoid(x)``, entry by entry.
    cache : ndarray
        A reference to x.
    """
    out = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = x[i] * logistic(x[i])
    return out, x


def silu_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Weigh the gradient with the slope s·(1 + x·(1 - s)).

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : ndarray
        From `silu_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.
    """
    x = cache
    dx = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        s = logistic(x[i])
        dx[i] = dout[i] * s * (1 + x[i] * (1 - s))
    return dx
