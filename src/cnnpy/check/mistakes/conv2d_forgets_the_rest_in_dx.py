"""dx is too small, or breaks, where the stride does not divide.

Cause: dx_pad is given the size that the windows cover, (H_out - 1)*stride + HH, as a convolution
of dout with zeros put in between has it. Pixels that no window reaches are left out.

Mend: Give dx_pad the size of x_pad, H + 2*padding: its last rows and columns stay zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward
from cnnpy.reference.windows import covered

__all__ = ["OTHER_WAYS", "conv2d_backward", "conv2d_forward"]


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back to the pixels that windows cover, and to no others."""
    x, w, _, stride, padding, dilation, _ = cache
    dx, dw, db = right_backward(dout, cache)
    kept = (
        size + 2 * pad - covered(n - 1, step, k, apart).stop
        for size, pad, n, step, k, apart in zip(
            x.shape[2:], padding, dout.shape[2:], stride, w.shape[2:], dilation, strict=True
        )
    )
    rest_h, rest_w = kept
    H, W = x.shape[2:]
    return dx[:, :, : H - rest_h, : W - rest_w], dw, db


def _pixel_by_pixel(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Ask for all pixels, where dout with zeros in between ends before the last."""
    x, w, _, stride, padding, _, _ = cache
    _, dw, db = right_backward(dout, cache)
    HH, WW = w.shape[2:]
    H, W = (size + 2 * pad for size, pad in zip(x.shape[2:], padding, strict=True))
    sizes = ((n - 1) * step + 1 for n, step in zip(dout.shape[2:], stride, strict=True))
    spread = np.zeros((*dout.shape[:2], *sizes))
    spread[:, :, :: stride[0], :: stride[1]] = dout
    spread = np.pad(spread, ((0, 0), (0, 0), (HH - 1, HH - 1), (WW - 1, WW - 1)))
    turned = w[:, :, ::-1, ::-1]
    dx_pad = np.zeros((*x.shape[:2], H, W), dtype=x.dtype)
    for i, j in np.ndindex(H, W):
        window = spread[:, :, None, i : i + HH, j : j + WW]
        dx_pad[:, :, i, j] = np.sum(window * turned, axis=(1, 3, 4))
    (pad_h, pad_w), (H, W) = padding, x.shape[2:]
    return dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W], dw, db


OTHER_WAYS = {"pixel by pixel": (conv2d_forward, _pixel_by_pixel)}
"""dout with zeros in between, which windows are slid over, is too small for the last pixels."""
