"""sigmoid, written with exp(-|x|), which never overflows."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.numpy.curves import logistic
from cnnpy.contract.dtypes import FloatArray

__all__ = ["sigmoid_backward", "sigmoid_forward"]


def sigmoid_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Squeeze each entry into (0, 1)."""
    s = logistic(x)
    return s, s.copy()


def sigmoid_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Weigh the gradient with s·(1 - s)."""
    s = cache
    return (dout * s * (1 - s),)
