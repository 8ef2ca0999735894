"""It breaks for an x that has not just two axes.

Cause: N, D = x.shape takes every x for a batch of rows; relu comes behind convolutions too.

Mend: Work on the array as a whole: np.maximum(x, 0) takes any shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.relu import relu_backward as right_backward
from cnnpy.reference.relu import relu_forward as right_forward

__all__ = ["OTHER_WAYS", "relu_backward", "relu_forward"]


def relu_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Cut off what is negative, row by row."""
    _, _ = x.shape
    return right_forward(x)


def relu_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Let the gradient through where x is positive, row by row."""
    _, _ = dout.shape
    return right_backward(dout, cache)


def _with(takes: Callable[[int], bool], in_backward_alone: bool = False) -> Any:
    def forward(x: FloatArray) -> tuple[FloatArray, Any]:
        if not in_backward_alone:
            _check(x, takes)
        return right_forward(x)

    def backward(dout: FloatArray, cache: Any) -> FloatArray:
        _check(dout, takes)
        return right_backward(dout, cache)

    return forward, backward


def _check(a: FloatArray, takes: Callable[[int], bool]) -> None:
    if not takes(np.ndim(a)):
        raise ValueError(f"{np.ndim(a)} axes")


OTHER_WAYS = {
    "two at least": _with(lambda axes: axes >= 2),
    "in backward alone": _with(lambda axes: axes == 2, in_backward_alone=True),
    "two at least, in backward alone": _with(lambda axes: axes >= 2, in_backward_alone=True),
}
"""x.shape[1], where more axes do no harm; and dout alone taken so."""
