"""tanh by the compiled kernels; see native/simd/curves.hpp."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native._native import Curve
from cnnpy.backends.native.curves import curve_backward, curve_forward
from cnnpy.contract.dtypes import FloatArray

__all__ = ["tanh_backward", "tanh_forward"]


def tanh_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Squeeze each entry into (-1, 1)."""
    return curve_forward(Curve.TANH, x)


def tanh_backward(dout: FloatArray, cache: Any, needs: tuple[str, ...]) -> tuple[FloatArray | None]:
    """Weigh the gradient with 1 - tanh²."""
    return curve_backward(dout, cache)
