"""dropout: the definition.

out = x / (1 - p) where the mask is True, 0 where it is False: so the expected
value stays what it was. Without a mask (in inference) out = x.

Srivastava et al.: Dropout. JMLR 15, 2014.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray

__all__ = ["dropout_backward", "dropout_forward"]


def dropout_forward(
    x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float = 0.5
) -> tuple[FloatArray, Any]:
    """Drop entries and scale up those that stay.

    Parameters
    ----------
    x : ndarray of any shape
        Entries.
    mask : ndarray of bool of the shape of x, or None
        True where an entry stays; None keeps all as they are.
    p : float
        The probability with which the mask was drawn to drop an entry, 0 to 1.

    Returns
    -------
    out : ndarray of the shape of x
        What is left, scaled.
    cache : tuple
        The mask and p.
    """
    shapes.dropout(x.shape, mask=None if mask is None else mask.shape, p=p)
    return _keep(x, mask, p), (mask, p)


def dropout_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Let the gradient through where the entry stayed, scaled as it was.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : tuple
        From `dropout_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.
    """
    mask, p = cache
    return _keep(dout, mask, p)


def _keep(values: FloatArray, mask: NDArray[np.bool_] | None, p: float) -> FloatArray:
    out = np.zeros(values.shape, dtype=values.dtype)
    scale = values.dtype.type(1 / (1 - p) if p < 1 else 0)
    for i in np.ndindex(values.shape):
        if mask is None:
            out[i] = values[i]
        elif mask[i]:
            out[i] = values[i] * scale
    return out
