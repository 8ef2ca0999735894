"""Activations that are a curve: both passes by name, for the modules of the ops."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import empty
from cnnpy.backends.native.layout import in_order, ordered, shaped
from cnnpy.contract.dtypes import FloatArray

__all__ = ["curve_backward", "curve_forward"]


def curve_forward(
    curve: _native.Curve, x: FloatArray, parameter: float = 0.0
) -> tuple[FloatArray, Any]:
    """Send each entry through a curve; the cache holds a reference to x."""
    array, channels_last = ordered(x)
    out = empty(array.shape, array.dtype)
    _native.curve_forward(curve, array, parameter, out)
    return shaped(out, channels_last), (curve, array, parameter, channels_last)


def curve_backward(dout: FloatArray, cache: Any) -> tuple[FloatArray | None]:
    """Weigh the gradient with the curve's slope."""
    curve, array, parameter, channels_last = cache
    dx = empty(array.shape, array.dtype)
    _native.curve_backward(curve, in_order(dout, channels_last), array, parameter, dx)
    return (shaped(dx, channels_last),)
