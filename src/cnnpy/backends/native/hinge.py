"""hinge by the compiled kernels; the margins are computed again for backward."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import contiguous, empty
from cnnpy.contract.dtypes import FloatArray

__all__ = ["hinge_backward", "hinge_forward"]


def hinge_forward(x: FloatArray, target: NDArray[Any]) -> tuple[Any, Any]:
    """Charge each class whose score comes within 1 of the right one's."""
    scores, labels = contiguous(x), np.ascontiguousarray(target, dtype=np.int64)
    loss = _native.hinge_forward(scores, labels) / len(x) if len(x) else np.nan
    return x.dtype.type(loss), (scores, labels)


def hinge_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Push down each class that was charged, and the right one up as often."""
    scores, labels = cache
    dx = empty(scores.shape, scores.dtype)
    _native.hinge_backward(scores, labels, float(dout) / max(len(scores), 1), dx)
    return (dx,)
