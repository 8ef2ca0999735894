"""pad2d: the images copied by index; backward adds along each axis in turn."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Sides

__all__ = ["pad2d_backward", "pad2d_forward"]

_MODES: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad2d_forward(
    x: FloatArray, *, padding: Sides, mode: str, value: float
) -> tuple[FloatArray, Any]:
    """Surround images with a border."""
    top, bottom, left, right = padding
    widths = ((0, 0), (0, 0), (top, bottom), (left, right))
    if mode == "constant":
        out = np.pad(x, widths, constant_values=value)
    else:
        out = np.pad(x, widths, mode=_MODES[mode])
    return out, (x.shape, padding, mode)


def pad2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Give each border pixel's gradient back to the pixel it was copied from."""
    (N, C, H, W), (top, bottom, left, right), mode = cache
    if mode == "constant":
        return (dout[:, :, top : top + H, left : left + W].copy(),)
    rows = _fold(dout, 2, top, H, mode)
    return (_fold(rows, 3, left, W, mode),)


def _fold(dout: FloatArray, axis: int, before: int, size: int, mode: str) -> FloatArray:
    """Add the borders along one axis back onto the entries they were copied from."""
    source = np.pad(np.arange(size), (before, dout.shape[axis] - size - before), _MODES[mode])
    folded = np.moveaxis(dout, axis, 0)
    dx = folded[before : before + size].copy()
    border = np.r_[0:before, before + size : len(folded)]
    np.add.at(dx, source[border], folded[border])
    return np.moveaxis(dx, 0, axis)
