"""A kernel that is not square meets windows that lie on their side, which mostly breaks.

Cause: Height and width of the kernel are exchanged in the window's slice:
x_pad[n, :, i : i + WW, j : j + HH].

Mend: Take HH rows and WW columns: x_pad[n, :, i : i + HH, j : j + WW].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, as_pair, out_size
from cnnpy.reference.conv2d import conv2d_backward as right_backward
from cnnpy.reference.conv2d import conv2d_forward as right_forward
from cnnpy.reference.windows import covered

__all__ = ["OTHER_WAYS", "conv2d_backward", "conv2d_forward"]


def conv2d_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[FloatArray, Any]:
    """Multiply the filters with windows of WW rows and HH columns."""
    right, cache = right_forward(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return _slid(right.shape[2:], cache), cache


def conv2d_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Send the gradient back to windows of WW rows and HH columns."""
    x, w, _, _, (pad_h, pad_w), _, _ = cache
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    for n, f, i, j in np.ndindex(dout.shape):
        at = (n, *_window(f, i, j, cache))
        dw[f] += dout[n, f, i, j] * x_pad[at]
        dx_pad[at] += dout[n, f, i, j] * w[f]
    _, _, db = right_backward(dout, cache)
    H, W = x.shape[2:]
    return dx_pad[:, :, pad_h : pad_h + H, pad_w : pad_w + W], dw, db


def _with_as_many_columns_as_the_height_has(
    x: FloatArray, w: FloatArray, b: FloatArray | None, **options: Any
) -> tuple[FloatArray, Any]:
    """Count the columns by the image's height besides."""
    right, cache = right_forward(x, w, b, **options)
    stride, pad, dilation = (
        as_pair(options.get(name, least))[1]
        for name, least in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    W_out = out_size(x.shape[2], w.shape[3], stride, pad, dilation)
    return _slid((right.shape[2], W_out), cache), cache


def _with_sizes_that_are_counted_so_too(
    x: FloatArray, w: FloatArray, b: FloatArray | None, **options: Any
) -> tuple[FloatArray, Any]:
    """Count the rows by the kernel's width besides, the columns by its height."""
    _, cache = right_forward(x, w, b, **options)
    _, _, _, strides, pads, dilations, _ = cache
    sizes = tuple(
        out_size(x.shape[2 + k], w.shape[3 - k], strides[k], pads[k], dilations[k])
        for k in range(2)
    )
    return _slid(sizes, cache), cache


OTHER_WAYS = {
    "with sizes that are counted so too": (_with_sizes_that_are_counted_so_too, conv2d_backward),
    "on an image that is taken for square": (
        _with_as_many_columns_as_the_height_has,
        conv2d_backward,
        "conv2d_takes_the_image_for_square",
    ),
}


def _slid(sizes: tuple[int, ...], cache: Any) -> FloatArray:
    x, w, b, _, (pad_h, pad_w), _, _ = cache
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    out = np.zeros((len(x), len(w), *sizes), dtype=x.dtype)
    for n, f, i, j in np.ndindex(out.shape):
        out[n, f, i, j] = np.sum(x_pad[(n, *_window(f, i, j, cache))] * w[f])
        if b is not None:
            out[n, f, i, j] += b[f]
    return out


def _window(f: int, i: int, j: int, cache: Any) -> tuple[slice, slice, slice]:
    _, w, _, (stride_h, stride_w), _, (dilation_h, dilation_w), groups = cache
    F, C_group, HH, WW = w.shape
    g = f // (F // groups)
    return (
        slice(g * C_group, (g + 1) * C_group),
        covered(i, stride_h, WW, dilation_h),
        covered(j, stride_w, HH, dilation_w),
    )
