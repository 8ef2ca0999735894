"""hard_swish by the compiled kernels."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native._native import Curve
from cnnpy.backends.native.curves import curve_backward, curve_forward
from cnnpy.contract.dtypes import FloatArray

__all__ = ["hard_swish_backward", "hard_swish_forward"]


def hard_swish_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Weigh each entry by a straight piece from 0 to 1."""
    return curve_forward(Curve.HARD_SWISH, x)


def hard_swish_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Weigh the gradient with 0, 1, or x/3 + 1/2 between -3 and 3."""
    return curve_backward(dout, cache)
