"""The edge pixel stands twice in a reflected border.

Cause: mode='symmetric' of np.pad mirrors behind the edge pixel; 'reflect' mirrors at it.

Mend: Use np.pad(..., mode='reflect').
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, Sides
from cnnpy.reference.pad2d import pad2d_backward as right_backward
from cnnpy.reference.pad2d import pad2d_forward as right_forward

__all__ = ["pad2d_backward", "pad2d_forward"]


def pad2d_forward(
    x: FloatArray,
    *,
    padding: int | Pair | Sides,
    mode: str = "constant",
    value: float = 0.0,
) -> tuple[FloatArray, Any]:
    """Surround images with a border, the edge repeated when reflected."""
    out, cache = right_forward(x, padding=padding, mode=mode, value=value)
    if mode != "reflect":
        return out, cache
    (_, _, H, W), top, left, _ = cache
    bottom, right = out.shape[2] - H - top, out.shape[3] - W - left
    rows = np.pad(np.arange(H), (top, bottom), mode="symmetric")
    columns = np.pad(np.arange(W), (left, right), mode="symmetric")
    return x[:, :, rows[:, None], columns], (x.shape, rows, columns, "symmetric")


def pad2d_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give each border pixel's gradient back to the pixel that it was copied from."""
    x_shape, rows, columns, mode = cache
    if mode != "symmetric":
        return right_backward(dout, cache)
    dx = np.zeros(x_shape, dtype=dout.dtype)
    for i, j in np.ndindex(dout.shape[2:]):
        dx[:, :, rows[i], columns[j]] += dout[:, :, i, j]
    return dx
