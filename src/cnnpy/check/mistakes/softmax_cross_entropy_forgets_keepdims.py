"""It breaks where there are not as many images as classes, and is wrong where there are.

Cause: x.max(axis=1) and exp(s).sum(axis=1) are rows of a number an image, and NumPy stands a row
along the classes.

Mend: Keep the axis: x.max(axis=1, keepdims=True), exp(s).sum(axis=1, keepdims=True).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.softmax_cross_entropy import softmax_cross_entropy_forward as right_forward

__all__ = ["OTHER_WAYS", "softmax_cross_entropy_backward", "softmax_cross_entropy_forward"]


def softmax_cross_entropy_forward(
    x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
) -> tuple[Any, Any]:
    """Measure how surprised the scores are, the axis dropped of both maxima and sums."""
    return _forward(x, target, label_smoothing, False, False)


def softmax_cross_entropy_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Pull each probability towards the wanted one, whatever shape they have come to."""
    p, wanted = cache
    return np.asarray(dout * (p - wanted) / p.dtype.type(len(p)), dtype=p.dtype)


def _forward(
    x: FloatArray,
    target: NDArray[Any],
    label_smoothing: float,
    of_maxima: bool,
    of_sums: bool,
    of_p: bool = False,
) -> tuple[Any, Any]:
    _, (_, wanted) = right_forward(x, target, label_smoothing=label_smoothing)
    with np.errstate(all="ignore"):
        shifted = x - x.max(axis=1, keepdims=of_maxima)
        sums = np.exp(shifted).sum(axis=1, keepdims=of_sums)
        p = np.exp(shifted) / sums
        log_p = np.log(p) if of_p else shifted - np.log(sums)
        if np.ndim(target) == 1 and not label_smoothing:  # one class has N columns here
            terms = -log_p[np.arange(len(x)), target]
        else:
            terms = np.where(wanted != 0, -wanted * log_p, 0)
        loss = terms.sum() / x.dtype.type(len(x))
    return np.asarray(loss, dtype=x.dtype)[()], (p, wanted)


def _with(of_maxima: bool, of_sums: bool, of_p: bool) -> Any:
    def forward(
        x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
    ) -> tuple[Any, Any]:
        return _forward(x, target, label_smoothing, of_maxima, of_sums, of_p)

    besides = ("softmax_cross_entropy_takes_the_log_of_zero",) if of_p else ()
    return (forward, softmax_cross_entropy_backward, *besides)


_DROPPED = {"both": (False, False), "the sums": (True, False), "the maxima": (False, True)}
OTHER_WAYS = {
    f"{what}{', of p' if of_p else ''}": _with(*kept, of_p)
    for what, kept in _DROPPED.items()
    for of_p in (False, True)
    if what != "both" or of_p
}
"""The axis dropped of one of the two, and the logarithm of the probability."""
