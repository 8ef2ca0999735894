"""gelu by the compiled kernels; see native/simd/curves.hpp."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native._native import Curve
from cnnpy.backends.native.curves import curve_backward, curve_forward
from cnnpy.contract.dtypes import FloatArray

__all__ = ["gelu_backward", "gelu_forward"]


def gelu_forward(x: FloatArray, *, approximate: str) -> tuple[FloatArray, Any]:
    """Weigh each entry by the normal distribution's share below it."""
    return curve_forward(Curve.GELU if approximate == "none" else Curve.GELU_TANH, x)


def gelu_backward(dout: FloatArray, cache: Any, needs: tuple[str, ...]) -> tuple[FloatArray | None]:
    """Weigh the gradient with Φ(x) + x·Φ'(x)."""
    return curve_backward(dout, cache)
