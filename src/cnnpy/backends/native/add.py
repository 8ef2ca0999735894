"""add by the compiled kernels; both get a gradient of their own."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import empty
from cnnpy.backends.native.layout import copy_of, in_order, ordered, shaped
from cnnpy.contract.dtypes import FloatArray

__all__ = ["add_backward", "add_forward"]


def add_forward(x: FloatArray, y: FloatArray) -> tuple[FloatArray, Any]:
    """Add two arrays of one shape."""
    array, channels_last = ordered(x)
    out = empty(array.shape, array.dtype)
    _native.add(array, in_order(y, channels_last), out)
    return shaped(out, channels_last), None


def add_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None]:
    """Hand the gradient to both."""
    return copy_of(dout) if "x" in needs else None, copy_of(dout) if "y" in needs else None
