"""leaky_relu by the compiled kernels."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native._native import Curve
from cnnpy.backends.native.curves import curve_backward, curve_forward
from cnnpy.contract.dtypes import FloatArray

__all__ = ["leaky_relu_backward", "leaky_relu_forward"]


def leaky_relu_forward(x: FloatArray, *, negative_slope: float) -> tuple[FloatArray, Any]:
    """Shrink what is negative by a slope."""
    return curve_forward(Curve.LEAKY_RELU, x, negative_slope)


def leaky_relu_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Let the gradient through, shrunk where x was not positive."""
    return curve_backward(dout, cache)
