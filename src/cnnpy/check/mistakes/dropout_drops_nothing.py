"""Nothing is dropped in training.

Cause: The mask holds True everywhere: np.random.rand(...) is below 1 always, and p / p is 1.

Mend: Compare with the share that stays, in brackets: (np.random.rand(*x.shape) < p) / p.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.dropout import dropout_backward as right_backward
from cnnpy.reference.dropout import dropout_forward as right_forward

__all__ = ["OTHER_WAYS", "dropout_backward", "dropout_forward"]


def dropout_forward(
    x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float = 0.5
) -> tuple[FloatArray, Any]:
    """Give x, in training too."""
    return right_forward(x, mask=None, p=p)


def dropout_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Give dout."""
    return right_backward(dout, cache)


def _scaled(
    x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float = 0.5
) -> tuple[FloatArray, Any]:
    all_stay = None if mask is None else np.ones(x.shape, dtype=bool)
    return right_forward(x, mask=all_stay, p=p)


OTHER_WAYS = {"scaled": (_scaled, dropout_backward)}
"""The same with the scale."""
