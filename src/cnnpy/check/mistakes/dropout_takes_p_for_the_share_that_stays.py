"""What stays is divided by the share that is dropped.

Cause: In some texts (and in the newer course) p is the probability of staying, in others that of
being dropped: the mask goes by the one, the scale by the other.

Mend: Divide by the share that the mask keeps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray

__all__ = ["dropout_backward", "dropout_forward"]


def dropout_forward(
    x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float = 0.5
) -> tuple[FloatArray, Any]:
    """Drop entries and divide the others by p."""
    return _keep(x, mask, p), (mask, p)


def dropout_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Let the gradient through where the entry stayed, divided by p."""
    return _keep(dout, *cache)


def _keep(values: FloatArray, mask: NDArray[np.bool_] | None, p: float) -> FloatArray:
    if mask is None:
        return values.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mask, values / values.dtype.type(p), values.dtype.type(0))
