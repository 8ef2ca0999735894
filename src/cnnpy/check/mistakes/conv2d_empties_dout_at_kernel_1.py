"""Backward breaks, or gives a dx of zeros, where the kernel is one pixel high or wide.

Cause: dout is written into zeros that surround it, wide[:, :, HH - 1 : -(HH - 1)] = dout: for a
kernel of 1 that is 0:-0, which is nothing.

Mend: End the slice by its length: wide[:, :, HH - 1 : HH - 1 + H_out], or use np.pad.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward

__all__ = ["OTHER_WAYS", "conv2d_backward", "conv2d_forward"]


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send back to dx what is left of dout in the midst of zeros."""
    _, w, _, stride, _, dilation, _ = cache
    _, dw, db = right_backward(dout, cache)
    wide, (high, left) = _surrounded(dout, w, stride, dilation)
    kept = wide[:, :, high :: stride[0], left :: stride[1]]
    dx, _, _ = right_backward(kept[:, :, : dout.shape[2], : dout.shape[3]], cache)
    return dx, dw, db


def _pixel_by_pixel(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Turn the filters and slide them over it, which ends before the last pixels."""
    x, w, _, stride, (pad_h, pad_w), dilation, _ = cache
    _, dw, db = right_backward(dout, cache)
    wide, _ = _surrounded(dout, w, stride, dilation)
    HH, WW = w.shape[2:]
    turned, dx = w[:, :, ::-1, ::-1], np.zeros_like(x)
    for i, j in np.ndindex(x.shape[2:]):
        window = wide[:, :, None, pad_h + i : pad_h + i + HH, pad_w + j : pad_w + j + WW]
        dx[:, :, i, j] = np.sum(window * turned, axis=(1, 3, 4))
    return dx, dw, db


OTHER_WAYS = {
    "pixel by pixel": (conv2d_forward, _pixel_by_pixel, "conv2d_forgets_the_rest_in_dx"),
}


def _surrounded(
    dout: FloatArray, w: FloatArray, stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[FloatArray, tuple[int, int]]:
    reach_h, reach_w = ((k - 1) * d for k, d in zip(w.shape[2:], dilation, strict=True))
    H, W = ((n - 1) * step + 1 for n, step in zip(dout.shape[2:], stride, strict=True))
    wide = np.zeros((*dout.shape[:2], H + 2 * reach_h, W + 2 * reach_w), dtype=dout.dtype)
    wide[:, :, reach_h : -reach_h : stride[0], reach_w : -reach_w : stride[1]] = dout
    return wide, (reach_h, reach_w)
