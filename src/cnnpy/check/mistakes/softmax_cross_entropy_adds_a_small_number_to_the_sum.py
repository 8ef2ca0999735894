"""Loss and gradient are a little off: the probabilities do not sum to one.

Cause: A small number is added to the sum, exp(s) / (sum(exp(s)) + 1e-8), to keep a division by 0
away, which cannot be: with the largest score taken away the sum is 1 at least.

Mend: Divide by the sum as it is.
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
    """Measure how surprised the scores are, 1e-8 added to each sum."""
    return _forward(x, target, label_smoothing, 1e-8, False)


def _forward(
    x: FloatArray, target: NDArray[Any], label_smoothing: float, added: float, of_p: bool
) -> tuple[Any, Any]:
    _, (_, wanted) = right_forward(x, target, label_smoothing=label_smoothing)
    shifted = x - x.max(axis=1, keepdims=True)
    sums = np.exp(shifted).sum(axis=1, keepdims=True) + x.dtype.type(added)
    p = np.exp(shifted) / sums
    with np.errstate(all="ignore"):
        log_p = np.log(p) if of_p else shifted - np.log(sums)
        loss = np.where(wanted != 0, -wanted * log_p, 0).sum() / x.dtype.type(len(x))
    return np.asarray(loss, dtype=x.dtype)[()], (p, wanted)


def _with(added: float, of_p: bool) -> Any:
    def forward(
        x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
    ) -> tuple[Any, Any]:
        return _forward(x, target, label_smoothing, added, of_p)

    besides = ("softmax_cross_entropy_takes_the_log_of_zero",) if of_p else ()
    return (forward, softmax_cross_entropy_backward, *besides)


_ADDED = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12)
OTHER_WAYS = {
    f"{added:g}, the logarithm {'of p' if of_p else 'of the sum'}": _with(added, of_p)
    for added in _ADDED
    for of_p in (False, True)
    if of_p or added != 1e-8
}
"""Other numbers that people add, and the logarithm of the probability, which is 0 at times."""
