"""dropout: one multiplication each way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray

__all__ = ["dropout_backward", "dropout_forward"]


def dropout_forward(
    x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float
) -> tuple[FloatArray, Any]:
    """Drop entries and scale up those that stay."""
    scale = x.dtype.type(1 / (1 - p) if p < 1 else 0)
    return _keep(x, mask, scale), (mask, scale)


def dropout_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Let the gradient through where the entry stayed."""
    mask, scale = cache
    return (_keep(dout, mask, scale),)


def _keep(values: FloatArray, mask: NDArray[np.bool_] | None, scale: Any) -> FloatArray:
    if mask is None:
        return values.copy()
    return np.where(mask, values * scale, values.dtype.type(0))
