"""gelu: x·Φ(x), with Φ kept for backward."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cnnpy.backends.numpy.curves import erf
from cnnpy.contract.dtypes import FloatArray

__all__ = ["gelu_backward", "gelu_forward"]

_ROOT = math.sqrt(2 / math.pi)
_CUBIC = 0.044715


def gelu_forward(x: FloatArray, *, approximate: str) -> tuple[FloatArray, Any]:
    """Weigh each entry by the normal distribution's share below it."""
    if approximate == "none":
        share = 0.5 * (1 + erf(x * x.dtype.type(math.sqrt(0.5))))
    else:
        share = 0.5 * (1 + np.tanh(_ROOT * (x + _CUBIC * x * x * x)))
    return x * share, (x, share, approximate)


def gelu_backward(dout: FloatArray, cache: Any, needs: tuple[str, ...]) -> tuple[FloatArray | None]:
    """Weigh the gradient with Φ(x) + x·Φ'(x)."""
    x, share, approximate = cache
    if approximate == "none":
        density = np.exp(-0.5 * x * x) * dout.dtype.type(1 / math.sqrt(2 * math.pi))
    else:
        density = 2 * share * (1 - share) * _ROOT * (1 + 3 * _CUBIC * x * x)
    return (dout * (share + x * density),)
