"""The share that stays is not the one that was asked for.

Cause: np.random.randn draws from the normal distribution: it is below p with another probability
than p, 0.69 for 0.5.

Mend: Draw from 0 to 1: np.random.rand(*x.shape) < p.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.check.case import SEED
from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.dropout import dropout_backward
from cnnpy.reference.dropout import dropout_forward as right_forward

__all__ = ["OTHER_WAYS", "dropout_backward", "dropout_forward"]

Draw = Callable[[NDArray[np.float64], float], NDArray[np.bool_]]


def dropout_forward(
    x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float = 0.5
) -> tuple[FloatArray, Any]:
    """Drop entries by a mask of its own, and scale up those that stay."""
    return _forward(x, mask, p, _below_what_stays)


def _forward(
    x: FloatArray, mask: NDArray[np.bool_] | None, p: float, stays: Draw
) -> tuple[FloatArray, Any]:
    if mask is not None:
        mask = np.asarray(stays(np.random.RandomState(SEED).randn(*x.shape), p))
    return right_forward(x, mask=mask, p=p)


def _below_what_stays(drawn: NDArray[np.float64], p: float) -> NDArray[np.bool_]:
    return drawn < 1 - p


def _above_what_is_dropped(drawn: NDArray[np.float64], p: float) -> NDArray[np.bool_]:
    return drawn > p


def _with(stays: Draw) -> Any:
    def forward(
        x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float = 0.5
    ) -> tuple[FloatArray, Any]:
        return _forward(x, mask, p, stays)

    return forward, dropout_backward


OTHER_WAYS = {"above what is dropped": _with(_above_what_is_dropped)}
"""The other comparison."""
