"""hinge: the margins of all classes at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray

__all__ = ["hinge_backward", "hinge_forward"]


def hinge_forward(x: FloatArray, target: NDArray[Any]) -> tuple[Any, Any]:
    """Charge each class whose score comes within 1 of the right one's."""
    N = len(x)
    images = np.arange(N)
    margins = x - x[images, target][:, None] + 1
    margins[images, target] = 0
    np.maximum(margins, 0, out=margins)
    loss = margins.sum() / N if N else np.nan
    return x.dtype.type(loss), (margins > 0, target)


def hinge_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Push down each class that was charged, and the right one up as often."""
    charged, target = cache
    dx = charged.astype(dout.dtype)
    images = np.arange(len(dx))
    dx[images, target] -= charged.sum(axis=1)
    share = dout / dout.dtype.type(max(len(dx), 1))
    np.multiply(dx, share, out=dx, where=dx != 0)  # 0 stays 0 whatever dout is
    return (dx,)
