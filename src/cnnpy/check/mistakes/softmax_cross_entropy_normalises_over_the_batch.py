"""The probabilities of an image do not sum to one: loss and gradient depend on the other images.

Cause: exp is summed over axis 0, or over no axis and so over the whole batch.

Mend: Sum over the classes: exp(s).sum(axis=1, keepdims=True).
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
    """Measure how surprised the scores are, each beside those of its class."""
    return _forward(x, target, label_smoothing, 0, 0, of_p=False)


def _forward(
    x: FloatArray,
    target: NDArray[Any],
    label_smoothing: float,
    largest_of: int | None,
    sum_of: int | None,
    of_p: bool,
) -> tuple[Any, Any]:
    _, (_, wanted) = right_forward(x, target, label_smoothing=label_smoothing)
    with np.errstate(all="ignore"):
        shifted = x - x.max(axis=largest_of, keepdims=True, initial=-np.inf)
        sums = np.exp(shifted).sum(axis=sum_of, keepdims=True)
        p = np.exp(shifted) / sums
        log_p = np.log(p) if of_p else shifted - np.log(sums)
        loss = np.where(wanted != 0, -wanted * log_p, 0).sum() / x.dtype.type(len(x))
    return np.asarray(loss, dtype=x.dtype)[()], (p, wanted)


def _with(largest_of: int | None, sum_of: int | None, of_p: bool) -> Any:
    def forward(
        x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
    ) -> tuple[Any, Any]:
        return _forward(x, target, label_smoothing, largest_of, sum_of, of_p)

    besides = ("softmax_cross_entropy_takes_the_log_of_zero",) if of_p else ()
    return (forward, softmax_cross_entropy_backward, *besides)


OTHER_WAYS = {
    f"largest of {largest_of}, sum of {sum_of}{', of p' if of_p else ''}": _with(
        largest_of, sum_of, of_p
    )
    for largest_of in (0, 1, None)
    for sum_of in (0, None)
    for of_p in (False, True)
    if (largest_of, sum_of, of_p) != (0, 0, False)
}
"""By the axes of the largest score and of the sum, and the logarithm of the probability."""
