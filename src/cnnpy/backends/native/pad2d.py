"""pad2d by the compiled kernels: rows and columns copied by a list of where from."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import as_rows, empty, images_from
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Sides

__all__ = ["BORDERS", "pad2d_backward", "pad2d_forward"]

BORDERS = {
    "constant": _native.Border.CONSTANT,
    "reflect": _native.Border.REFLECT,
    "replicate": _native.Border.REPLICATE,
    "circular": _native.Border.CIRCULAR,
}


def pad2d_forward(
    x: FloatArray, *, padding: Sides, mode: str, value: float
) -> tuple[FloatArray, Any]:
    """Surround images with a border."""
    top, bottom, left, right = padding
    sides = _native.Padding(top, bottom, left, right, BORDERS[mode])
    rows = as_rows(x)
    N, H, W, C = rows.shape
    out = empty((N, top + H + bottom, left + W + right, C), x.dtype)
    _native.pad2d_forward(sides, rows, value, out)
    return images_from(out), (sides, rows.shape)


def pad2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Give each border pixel's gradient back to the pixel it was copied from."""
    sides, shape = cache
    dx = empty(shape, dout.dtype)
    _native.pad2d_backward(sides, as_rows(dout), dx)
    return (images_from(dx),)
