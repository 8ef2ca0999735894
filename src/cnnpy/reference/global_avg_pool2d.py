"""global_avg_pool2d: the definition.

out[n, c, 0, 0] = mean over i, j of x[n, c, i, j]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["global_avg_pool2d_backward", "global_avg_pool2d_forward"]


def global_avg_pool2d_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Keep the mean of each channel.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.

    Returns
    -------
    out : ndarray of shape (N, C, 1, 1)
        The means.
    cache : tuple
        The shape of x.
    """
    N, C, H, W = x.shape
    out = np.zeros((N, C, 1, 1), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            out[n, c, 0, 0] = np.sum(x[n, c]) / (H * W)
    return out, x.shape


def global_avg_pool2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Share each channel's gradient out equally over its pixels.

    Parameters
    ----------
    dout : ndarray of shape (N, C, 1, 1)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `global_avg_pool2d_forward`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the images.
    """
    N, C, H, W = cache
    dx = np.zeros((N, C, H, W), dtype=dout.dtype)
    for n in range(N):
        for c in range(C):
            dx[n, c] = dout[n, c, 0, 0] / (H * W)
    return dx
