"""linear: one matrix product forward, two backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["linear_backward", "linear_forward"]


def linear_forward(x: FloatArray, w: FloatArray, b: FloatArray | None) -> tuple[FloatArray, Any]:
    """Compute x w.T + b."""
    out = x @ w.T
    if b is not None:
        out += b
    return out, (x, w, b)


def linear_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Compute dout w, dout.T x and the column sums of dout."""
    x, w, b = cache
    dx = dout @ w if "x" in needs else None
    dw = dout.T @ x if "w" in needs else None
    db = None
    if b is not None and "b" in needs:
        db = dout.sum(axis=0, dtype=np.float64).astype(dout.dtype, copy=False)
    return dx, dw, db
