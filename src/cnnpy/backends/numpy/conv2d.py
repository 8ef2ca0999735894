"""conv2d by matrix products over blocks of windows; see ``correlation``."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.numpy.correlation import correlate, gradients
from cnnpy.backends.numpy.geometry import Geometry
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
    out, kept = correlate(x, w, b, (H_out, W_out), geometry)
    return out, (x, w, b, geometry, kept)


def conv2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Multiply the output's gradient with the filters and with the windows."""
    x, w, b, geometry, kept = cache
    wanted = ("x" in needs, "w" in needs, b is not None and "b" in needs)
    return gradients(x, dout, w, geometry, kept, wanted)
