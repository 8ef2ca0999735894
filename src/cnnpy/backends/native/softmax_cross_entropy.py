"""softmax_cross_entropy by the compiled kernels; the probabilities are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import contiguous, empty
from cnnpy.contract.dtypes import FloatArray

__all__ = ["softmax_cross_entropy_backward", "softmax_cross_entropy_forward"]


def softmax_cross_entropy_forward(
    x: FloatArray, target: NDArray[Any], *, label_smoothing: float
) -> tuple[Any, Any]:
    """Measure how surprised the scores are by the right class."""
    labels = np.ascontiguousarray(target, dtype=np.int64) if target.ndim == 1 else None
    probabilities = contiguous(target) if target.ndim == 2 else None
    p = empty(x.shape, x.dtype)
    total = _native.cross_entropy_forward(contiguous(x), labels, probabilities, label_smoothing, p)
    loss = total / len(x) if len(x) else np.nan
    return x.dtype.type(loss), (p, labels, probabilities, label_smoothing)


def softmax_cross_entropy_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Pull each probability towards the wanted one."""
    p, labels, probabilities, smoothing = cache
    dx = empty(p.shape, p.dtype)
    share = float(dout) / max(len(p), 1)
    _native.cross_entropy_backward(p, labels, probabilities, smoothing, share, dx)
    return (dx,)
