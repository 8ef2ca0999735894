"""Whether a backward pass is the gradient of the forward pass that stands beside it.

Where both are wrong, one of them may be right for the other: then one mend is enough. So
the implementation's own forward pass is asked for its slope in a direction, by a difference
quotient, and that is held against its own gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.compare import are_numbers
from cnnpy.check.dialects import Found
from cnnpy.check.observe import Observation
from cnnpy.check.outcome import Caller
from cnnpy.contract.dtypes import FloatArray

__all__ = ["agreement"]

_STEP = 1e-5
_DISTANCE = 1e-5
"""How far from the slope a gradient may be, in shares of the sum of their terms' sizes."""


def agreement(found: Found, caller: Caller, o: Observation) -> dict[str, bool]:
    """Tell, gradient by gradient, whether it is that of the implementation's own forward pass.

    Parameters
    ----------
    found : Found
        The implementation.
    caller : Caller
        Who calls it.
    o : Observation
        The case to ask on.

    Returns
    -------
    dict
        By input; those are left out for which it cannot be told.
    """
    if o.probe.dtype is not np.float64 or not _is_of(o.outcome.out, o.dout.shape):
        return {}
    told = {}
    for name, gradient in o.outcome.gradients.items():
        x = o.case.arrays.get(name)
        if not isinstance(x, np.ndarray) or not _is_of(gradient, x.shape):
            continue
        direction = np.asarray(np.random.default_rng(0).standard_normal(x.shape))
        slope = _slope(found, caller, o, name, direction)
        if slope is not None:
            terms = np.asarray(gradient) * direction
            size = float(np.abs(terms).sum()) + abs(slope) + 1.0
            told[name] = abs(float(terms.sum()) - slope) <= _DISTANCE * size
    return told


def _is_of(value: Any, shape: tuple[int, ...]) -> bool:
    return are_numbers(value) and np.shape(value) == shape and bool(np.isfinite(value).all())


def _slope(
    found: Found, caller: Caller, o: Observation, name: str, direction: FloatArray
) -> float | None:
    """Give the slope of sum(dout * out) where one input moves in a direction."""
    ends = []
    for side in (1.0, -1.0):
        arrays = o.case.map(np.copy).arrays
        moved = {**arrays, name: arrays[name] + side * _STEP * direction}
        case = Case(o.case.op, moved, o.case.options)
        out = found.run(caller, case, o.dout.copy()).out
        if not _is_of(out, o.dout.shape):
            return None
        ends.append(float(np.sum(o.dout * out)))
    return (ends[0] - ends[1]) / (2 * _STEP)
