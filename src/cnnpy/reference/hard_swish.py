"""hard_swish: the definition.

out = x·min(max(x + 3, 0), 6) / 6: zero up to -3, x from 3 on, a parabola between.
At -3 the gradient is 0 and at 3 it is 1, the slopes outside.

Howard et al.: Searching for MobileNetV3. ICCV 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["hard_swish_backward", "hard_swish_forward"]


def hard_swish_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Weigh each entry by a straight piece from 0 to 1.

    Parameters
    ----------
    x : ndarray of any shape
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        ``x * min(max(x + 3, 0), 6) / 6``, entry by entry.
    cache : ndarray
        A reference to x.
    """
    out = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        out[i] = x[i] * np.minimum(np.maximum(x[i] + 3, 0), 6) / 6
    return out, x


def hard_swish_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Weigh the gradient with 0, 1, or x/3 + 1/2 between.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : ndarray
        From `hard_swish_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.
    """
    x = cache
    dx = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        if x[i] <= -3:
            slope = x.dtype.type(0)
        elif x[i] >= 3:
            slope = x.dtype.type(1)
        else:
            slope = x[i] / 3 + 0.5
        dx[i] = dout[i] * slope
    return dx
