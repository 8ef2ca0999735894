"""conv2d by the compiled kernels; see native/engine and native/kernels."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import as_rows, contiguous, empty, images_from
from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, Shape

__all__ = ["conv2d_backward", "conv2d_forward", "conv2d_geometry"]


def conv2d_geometry(
    x: Shape, w: Shape, *, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> tuple[_native.Conv2d, Shape]:
    """Return what the engine is told of the shapes, and (N, H_out, W_out, F)."""
    N, C, H, W = x
    F, _, HH, WW = w
    H_out, W_out = (
        shapes.out_size(*axis)
        for axis in zip((H, W), (HH, WW), stride, padding, dilation, strict=True)
    )
    geometry = _native.Conv2d(
        N, C, H, W, F, HH, WW, *stride, *padding, *dilation, groups, H_out, W_out
    )
    return geometry, (N, H_out, W_out, F)


def conv2d_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    *,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    algorithm: str = "auto",
) -> tuple[FloatArray, Any]:
    """Correlate the images with the filters."""
    geometry, shape = conv2d_geometry(
        x.shape, w.shape, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    rows, filters = as_rows(x), contiguous(w)
    out = empty(shape, x.dtype)
    way = _native.Algorithm[algorithm]
    _native.conv2d_forward(
        geometry, way, rows, filters, None if b is None else contiguous(b), False, out
    )
    return images_from(out), (geometry, way, rows, filters, b is not None)


def conv2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Correlate the output's gradient with the filters turned round, and with the images."""
    geometry, way, x, w, has_bias = cache
    rows = as_rows(dout)
    dx = dw = db = None
    if "x" in needs:
        dx = empty(x.shape, x.dtype)
        _native.conv2d_input_gradient(geometry, way, rows, w, None, dx)
    if "w" in needs:
        dw = empty(w.shape, w.dtype)
    if "b" in needs and has_bias:
        db = empty(w.shape[:1], w.dtype)
    if dw is not None or db is not None:
        _native.conv2d_filter_gradient(geometry, way, x, rows, dw, db)
    return None if dx is None else images_from(dx), dw, db
