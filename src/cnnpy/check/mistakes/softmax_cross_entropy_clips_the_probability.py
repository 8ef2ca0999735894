"""The loss is finite always, but at large scores it stops growing.

Cause: The probability is kept from 0, np.clip(p, 1e-12, 1), so that its logarithm is finite; where
p is less, the loss is that of 1e-12.

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
    """Measure how surprised the scores are, no probability less than 1e-12."""
    return _forward(x, target, label_smoothing, 1e-12)


def _forward(
    x: FloatArray,
    target: NDArray[Any],
    label_smoothing: float,
    least: float,
    most: float = 1.0,
    hands_on: bool = False,
) -> tuple[Any, Any]:
    _, (p, wanted) = right_forward(x, target, label_smoothing=label_smoothing)
    clipped = np.clip(p, x.dtype.type(least), x.dtype.type(most))
    with np.errstate(all="ignore"):
        loss = -(wanted * np.log(clipped)).sum() / x.dtype.type(len(x))
    return np.asarray(loss, dtype=x.dtype)[()], (clipped if hands_on else p, wanted)


def _with(least: float, most: float, hands_on: bool) -> Any:
    def forward(
        x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
    ) -> tuple[Any, Any]:
        return _forward(x, target, label_smoothing, least, most, hands_on)

    return forward, softmax_cross_entropy_backward


_LEAST = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 2.0**-52, 1e-20)
OTHER_WAYS = {
    f"{least:g} to {most:g}, {'both passes' if hands_on else 'the loss alone'}": _with(
        least, most, hands_on
    )
    for least in _LEAST
    for most in (1.0, 1.0 - least)
    for hands_on in (False, True)
    if (least, most, hands_on) != (1e-12, 1.0, False)
}
"""Other bounds, and the clipped probabilities in the gradient too."""
