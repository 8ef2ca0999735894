"""silu by the compiled kernels; see native/simd/curves.hpp."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native._native import Curve
from cnnpy.backends.native.curves import curve_backward, curve_forward
from cnnpy.contract.dtypes import FloatArray

__all__ = ["silu_backward", "silu_forward"]


def silu_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Weigh each entry by its sigmoid."""
    return curve_forward(Curve.SILU, x)


def silu_backward(dout: FloatArray, cache: Any, needs: tuple[str, ...]) -> tuple[FloatArray | None]:
    """Weigh the gradient with s·(1 + x·(1 - s))."""
    return curve_backward(dout, cache)
