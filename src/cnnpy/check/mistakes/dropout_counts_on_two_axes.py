"""It breaks for an x that has not just two axes.

Cause: N, D = x.shape takes every x for a batch of rows; dropout comes behind convolutions too.

Mend: Draw a mask of the shape of x: np.random.rand(*x.shape).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.dropout import dropout_backward
from cnnpy.reference.dropout import dropout_forward as right_forward

__all__ = ["OTHER_WAYS", "dropout_backward", "dropout_forward"]


def dropout_forward(
    x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float = 0.5
) -> tuple[FloatArray, Any]:
    """Drop entries of rows."""
    if mask is not None:
        _, _ = x.shape
    return right_forward(x, mask=mask, p=p)


def _in_inference_too(
    x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float = 0.5
) -> tuple[FloatArray, Any]:
    _, _ = x.shape
    return right_forward(x, mask=mask, p=p)


def _two_at_least(
    x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float = 0.5
) -> tuple[FloatArray, Any]:
    if mask is not None:
        _ = x.shape[0], x.shape[1]
    return right_forward(x, mask=mask, p=p)


OTHER_WAYS = {
    "in inference too": (_in_inference_too, dropout_backward),
    "two at least": (_two_at_least, dropout_backward),
}
"""The same where there is no mask, and x.shape[1]."""
