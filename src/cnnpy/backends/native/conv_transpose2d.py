"""conv_transpose2d by the compiled kernels: conv2d's passes with the roles exchanged."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import as_rows, contiguous, empty, images_from
from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair

__all__ = ["conv_transpose2d_backward", "conv_transpose2d_forward"]


def conv_transpose2d_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    *,
    stride: Pair,
    padding: Pair,
    output_padding: Pair,
    dilation: Pair,
    groups: int,
) -> tuple[FloatArray, Any]:
    """Spread the images as conv2d spreads the gradient of its output."""
    N, C, H, W = x.shape
    HH, WW = w.shape[2:]
    _, F, H_out, W_out = shapes.conv_transpose2d(
        x.shape,
        w.shape,
        None,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
    )
    geometry = _native.Conv2d(
        N, F, H_out, W_out, C, HH, WW, *stride, *padding, *dilation, groups, H, W
    )
    rows, filters = as_rows(x), contiguous(w)
    out = empty((N, H_out, W_out, F), x.dtype)
    _native.conv2d_input_gradient(
        geometry, _native.Algorithm.auto, rows, filters, None if b is None else contiguous(b), out
    )
    return images_from(out), (geometry, rows, filters, b is not None)


def conv_transpose2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Correlate the output's gradient with the filters, and with the images."""
    geometry, x, w, has_bias = cache
    rows = as_rows(dout)
    dx = dw = db = None
    if "x" in needs:
        dx = empty(x.shape, x.dtype)
        _native.conv2d_forward(geometry, _native.Algorithm.auto, rows, w, None, False, dx)
    if "w" in needs:
        dw = empty(w.shape, w.dtype)
        _native.conv2d_filter_gradient(geometry, _native.Algorithm.auto, rows, x, dw, None)
    if "b" in needs and has_bias:
        db = rows.sum(axis=(0, 1, 2), dtype=rows.dtype)
    return None if dx is None else images_from(dx), dw, db
