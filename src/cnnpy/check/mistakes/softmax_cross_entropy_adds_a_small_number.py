"""The loss is finite always, but it is not the loss: at large scores it stops growing.

Cause: A small number is added to the probability, log(p + 1e-8), to keep log(0) away; where p is
small itself, it changes the loss, and where p is 0, it is the loss.

Mend: Stay with logarithms: log p = s - log(sum(exp(s))), s the scores less their largest; that is
finite by itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.softmax_cross_entropy import softmax_cross_entropy_backward
from cnnpy.reference.softmax_cross_entropy import softmax_cross_entropy_forward as right_forward

__all__ = ["OTHER_WAYS", "softmax_cross_entropy_backward", "softmax_cross_entropy_forward"]


def softmax_cross_entropy_forward(
    x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
) -> tuple[Any, Any]:
    """Measure how surprised the scores are, 1e-8 added to each probability."""
    return _forward(x, target, label_smoothing, 1e-8)


def _forward(
    x: FloatArray, target: NDArray[Any], label_smoothing: float, added: float
) -> tuple[Any, Any]:
    _, (p, wanted) = right_forward(x, target, label_smoothing=label_smoothing)
    with np.errstate(all="ignore"):
        loss = -(wanted * np.log(p + x.dtype.type(added))).sum() / x.dtype.type(len(x))
    return np.asarray(loss, dtype=x.dtype)[()], (p, wanted)


def _with(added: float) -> Any:
    def forward(
        x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
    ) -> tuple[Any, Any]:
        return _forward(x, target, label_smoothing, added)

    return forward, softmax_cross_entropy_backward


_ADDED = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16)
_TINY = (2.0**-52, 1e-20, 1e-30, 1e-50, 1e-100, 1e-300)
OTHER_WAYS = {f"{added:g}": _with(added) for added in (*_ADDED, *_TINY)}
"""Other numbers that people add."""
