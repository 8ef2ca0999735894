"""sigmoid by the compiled kernels; see native/simd/curves.hpp."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native._native import Curve
from cnnpy.backends.native.curves import curve_backward, curve_forward
from cnnpy.contract.dtypes import FloatArray

__all__ = ["sigmoid_backward", "sigmoid_forward"]


def sigmoid_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Squeeze each entry into (0, 1)."""
    return curve_forward(Curve.SIGMOID, x)


def sigmoid_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Weigh the gradient with s·(1 - s)."""
    return curve_backward(dout, cache)
