"""tanh: NumPy's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["tanh_backward", "tanh_forward"]


def tanh_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Squeeze each entry into (-1, 1)."""
    t = np.tanh(x)
    return t, t.copy()


def tanh_backward(dout: FloatArray, cache: Any, needs: tuple[str, ...]) -> tuple[FloatArray | None]:
    """Weigh the gradient with 1 - tanh²."""
    t = cache
    return (dout * (1 - t * t),)
