"""gelu: the definition.

out = x·Φ(x), where Φ is the normal distribution function:

approximate="none"   Φ(x) = (1 + erf(x/√2)) / 2,  d out/dx = Φ(x) + x·φ(x)
approximate="tanh"   Φ(x) ≈ (1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2

Hendrycks, Gimpel: Gaussian error linear units. arXiv:1606.08415, 2016.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

_ROOT = math.sqrt(2 / math.pi)
_CUBIC = 0.044715

__all__ = ["gelu_backward", "gelu_forward"]


def gelu_forward(x: FloatArray, *, approximate: str = "none") -> tuple[FloatArray, Any]:
    """Weigh each entry by the normal distribution's share below it.

    Parameters
    ----------
    x : ndarray of any shape
        Entries.
    approximate : {"none", "tanh"}
        The formula.

    Returns
    -------
    out : ndarray of the shape of x
        ``x * Phi(x)``, entry by entry.
    cache : tuple
        A reference to x, and the formula.
    """
    out = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        v = float(x[i])
        out[i] = v * _share(v, approximate)
    return out, (x, approximate)


def gelu_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Weigh the gradient with the slope Φ(x) + x·Φ'(x).

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : tuple
        From `gelu_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.
    """
    x, approximate = cache
    dx = np.empty(x.shape, dtype=x.dtype)
    for i in np.ndindex(x.shape):
        v = float(x[i])
        dx[i] = dout[i] * (_share(v, approximate) + v * _density(v, approximate))
    return dx


def _share(v: float, approximate: str) -> float:
    if approximate == "none":
        return 0.5 * (1 + math.erf(v / math.sqrt(2)))
    return 0.5 * (1 + math.tanh(_ROOT * (v + _CUBIC * v * v * v)))


def _density(v: float, approximate: str) -> float:
    if approximate == "none":
        return math.exp(-0.5 * v * v) / math.sqrt(2 * math.pi)
    t = math.tanh(_ROOT * (v + _CUBIC * v * v * v))
    return 0.5 * (1 - t * t) * _ROOT * (1 + 3 * _CUBIC * v * v)
