"""Only classes that score higher than the right one are charged.

Cause: The margin of 1 is left out: x - x[y] where it should be x - x[y] + 1.

Mend: Add the margin: max(0, x - x[y] + 1) for all classes but the right one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray

__all__ = ["hinge_backward", "hinge_forward"]


def hinge_forward(x: FloatArray, target: NDArray[Any]) -> tuple[Any, Any]:
    """Charge each class whose score is higher than the right one's."""
    N = len(x)
    ahead = np.maximum(x - x[np.arange(N), target][:, None], 0)
    loss = ahead.sum() / x.dtype.type(N) if N else x.dtype.type(np.nan)
    return loss, (x, target)


def hinge_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Push down each class whose score is higher than the right one's."""
    x, target = cache
    rows = np.arange(len(x))
    charged = x > x[rows, target][:, None]
    dx = charged.astype(x.dtype)
    dx[rows, target] = -charged.sum(axis=1)
    return np.asarray(dx * dout / x.dtype.type(max(len(x), 1)))
