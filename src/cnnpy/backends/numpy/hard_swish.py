"""hard_swish: a clipped straight line times x."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["hard_swish_backward", "hard_swish_forward"]


def hard_swish_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Weigh each entry by a straight piece from 0 to 1."""
    return x * np.clip(x + 3, 0, 6) / 6, x


def hard_swish_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Weigh the gradient with 0, 1, or x/3 + 1/2 between -3 and 3."""
    x = cache
    slope = np.where(x >= 3, dout.dtype.type(1), x / 3 + 0.5)
    return (dout * np.where(x <= -3, dout.dtype.type(0), slope),)
