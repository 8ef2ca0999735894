"""relu6 by the compiled kernels."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native._native import Curve
from cnnpy.backends.native.curves import curve_backward, curve_forward
from cnnpy.contract.dtypes import FloatArray

__all__ = ["relu6_backward", "relu6_forward"]


def relu6_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Cut off what is negative and what is above 6."""
    return curve_forward(Curve.RELU6, x)


def relu6_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Let the gradient through where x was between 0 and 6."""
    return curve_backward(dout, cache)
