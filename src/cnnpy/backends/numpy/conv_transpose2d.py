"""conv_transpose2d: the passes of conv2d with their roles exchanged.

Forward is the adjoint of a convolution from the output to x, whose filters have
the shape (C, F/groups, HH, WW) as w has; so the gradient of x is that convolution,
and the gradient of w is its filter gradient.
"""

from __future__ import annotations

from typing import Any

from cnnpy.backends.numpy.correlation import (
    adjoint,
    bias_gradient,
    correlate,
    filter_gradient,
)
from cnnpy.backends.numpy.geometry import Geometry
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
    """Add each pixel's multiple of the filters to the window that it stands for."""
    HH, WW = w.shape[2:]
    geometry = Geometry((HH, WW), stride, padding, dilation, groups)
    out_shape = shapes.conv_transpose2d(
        x.shape,
        w.shape,
        None,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
    )
    out = adjoint(x, w, out_shape, geometry)
    if b is not None:
        out += b[:, None, None]
    return out, (x, w, b, geometry)


def conv_transpose2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Convolve the output's gradient with the filters, and with the images."""
    x, w, b, geometry = cache
    H, W = x.shape[2:]
    dx = correlate(dout, w, None, (H, W), geometry)[0] if "x" in needs else None
    dw = filter_gradient(dout, x, w.shape, geometry, None) if "w" in needs else None
    db = bias_gradient(dout) if b is not None and "b" in needs else None
    return dx, dw, db
