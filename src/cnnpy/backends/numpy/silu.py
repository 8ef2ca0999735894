"""silu: x times its sigmoid, which is kept for backward."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.numpy.curves import logistic
from cnnpy.contract.dtypes import FloatArray

__all__ = ["silu_backward", "silu_forward"]


def silu_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Weigh each entry by its sigmoid."""
    s = logistic(x)
    return x * s, (x, s)


def silu_backward(dout: FloatArray, cache: Any, needs: tuple[str, ...]) -> tuple[FloatArray | None]:
    """Weigh the gradient with s·(1 + x·(1 - s))."""
    x, s = cache
    return (dout * s * (1 + x * (1 - s)),)
