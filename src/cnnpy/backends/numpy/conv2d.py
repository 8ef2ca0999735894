"""conv2d by matrix products over blocks of windows; see ``correlation``."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.numpy.correlation import Geometry, adjoint, correlate, filter_gradient
from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    *,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> tuple[FloatArray, Any]:
    """Multiply the windows of the images with the filters."""
    HH, WW = w.shape[2:]
    geometry = Geometry((HH, WW), stride, padding, dilation, groups)
    H_out, W_out = (
        shapes.out_size(*axis)
        for axis in zip(x.shape[2:], (HH, WW), stride, padding, dilation, strict=True)
    )
    return correlate(x, w, b, (H_out, W_out), geometry), (x, w, b, geometry)


def conv2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Multiply the output's gradient with the filters and with the windows."""
    x, w, b, geometry = cache
    dx = adjoint(dout, w, x.shape, geometry) if "x" in needs else None
    dw = filter_gradient(x, dout, w.shape, geometry) if "w" in needs else None
    db = dout.sum(axis=(2, 3)).sum(axis=0) if b is not None and "b" in needs else None
    return dx, dw, db
