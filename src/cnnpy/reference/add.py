"""add: the definition.

out = x + y, for two arrays of one shape. Both get dout as their gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray

__all__ = ["add_backward", "add_forward"]


def add_forward(x: FloatArray, y: FloatArray) -> tuple[FloatArray, Any]:
    """Add two arrays of one shape.

    Parameters
    ----------
    x, y : ndarray of one shape
        What is added.

    Returns
    -------
    out : ndarray of the same shape
        The sum.
    cache : None
        Nothing is needed.
    """
    out = np.empty(shapes.add(x.shape, y.shape), dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = x[i] + y[i]
    return out, None


def add_backward(dout: FloatArray, cache: Any) -> tuple[FloatArray, FloatArray]:
    """Hand the gradient to both.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : None
        From `add_forward`.

    Returns
    -------
    dx, dy : ndarray of the shape of x
        Gradients of both, each an array of its own.
    """
    return dout.copy(), dout.copy()
