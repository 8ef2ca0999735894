"""flatten: the definition.

out[n, d] = x[n, c, i, j] with d = (c·H + i)·W + j: row-major, the batch axis kept.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray

__all__ = ["flatten_backward", "flatten_forward"]


def flatten_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Lay each image out as one row.

    Parameters
    ----------
    x : ndarray of shape (N, ...)
        Images.

    Returns
    -------
    out : ndarray of shape (N, D)
        Their entries in row-major order.
    cache : tuple
        The shape of x.
    """
    return x.reshape(shapes.flatten(x.shape)).copy(), x.shape


def flatten_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Fold each row back into an image.

    Parameters
    ----------
    dout : ndarray of shape (N, D)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `flatten_forward`.

    Returns
    -------
    ndarray of shape (N, ...)
        Gradient of the images.
    """
    return dout.reshape(cache).copy()
