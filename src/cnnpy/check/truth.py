"""What the definition says of a case, and how far off one may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.remembered import once
from cnnpy.check.rows import row_of
from cnnpy.contract.dtypes import FloatArray

__all__ = ["Truth", "as_list", "run_definition"]


class Truth(NamedTuple):
    """What the definition says of a case: output, gradients, and their bounds."""

    out: FloatArray
    gradients: list[Any]
    out_bound: FloatArray | None
    gradient_bounds: list[Any]
    updated: dict[str, Any]


@once(1 << 11)
def run_definition(case: Case, dout: FloatArray, eps: float, rule: str | None = None) -> Truth:
    """Run the definition on a case, and once more for the bounds of its tolerance.

    Parameters
    ----------
    case : Case
        Inputs and options.
    dout : ndarray of the shape of the output
        The gradient to send back.
    eps : float
        One rounding of the dtype under test.
    rule : str, optional
        Which bounds are wanted: a rule of :class:`Tolerance`, the op's own by default.

    Returns
    -------
    Truth
        Output, gradients and bounds; one submission after the other has the same, so nobody
        may write to it.
    """
    forward, backward = row_of(case.op).forward, row_of(case.op).backward
    own = case.map(np.copy)
    out, cache = forward(*own.positional(), **own.keywords())
    gradients = as_list(case.op, backward(dout, cache))
    rule = row_of(case.op).tolerance.rule if rule is None else rule
    out_bound: Any = None
    bounds: list[Any] = [None] * len(gradients)
    if rule in ("bound", "spread"):
        other = case.map(np.abs)
        out_bound, bound_cache = forward(*other.positional(), **other.keywords())
        bounds = as_list(case.op, backward(np.abs(dout), bound_cache))
        if rule == "spread":
            out_bound, *bounds = (_spread(bound) for bound in (out_bound, *bounds))
    elif rule == "scale":
        out_bound, bounds = out, gradients
        others = [(case.map(_one_rounding(eps, seed)), dout) for seed in range(_SHIFTS)]
        others.append((case.cast(np.float32), dout.astype(np.float32)))
        with np.errstate(over="ignore", invalid="ignore"):
            for other, dother in others:
                shifted, shifted_cache = forward(*other.positional(), **other.keywords())
                found = as_list(case.op, backward(dother, shifted_cache))
                # what float32 loses on the way, brought to the dtype under test
                share = eps / _EPS_32 if dother.dtype == np.float32 else 1.0
                out_bound = _further(out, out_bound, shifted, share)
                bounds = [
                    _further(want, bound, new, share)
                    for want, bound, new in zip(gradients, bounds, found, strict=True)
                ]
    elif rule == "routed":
        bounds = as_list(case.op, backward(np.abs(dout), cache))
    updated = {
        i.name: own.arrays[i.name]
        for i in row_of(case.op).keyword
        if i.kind.name == "UPDATED" and own.arrays[i.name] is not None
    }
    return Truth(np.asarray(out), gradients, out_bound, bounds, updated)


def _spread(bound: Any) -> Any:
    """Give every place of an image or filter the largest bound of its places."""
    if bound is None or np.ndim(bound) != 4:
        return bound
    return np.broadcast_to(bound.max(axis=(2, 3), keepdims=True, initial=0.0), bound.shape)


_SHIFTS = 6
"""How often inputs are changed: two values that are changed alike do not move their norm."""

_EPS_32 = float(np.finfo(np.float32).eps)


def _further(want: Any, bound: Any, new: Any, share: float) -> Any:
    """Move `bound` away from `want` where `share` of what `new` is off is more."""
    if want is None:
        return None
    with np.errstate(invalid="ignore"):
        moved = want + share * (new - want)
        return np.where(np.abs(moved - want) > np.abs(bound - want), moved, bound)


def _one_rounding(eps: float, seed: int) -> Callable[[Any], Any]:
    """Return a change of every float by one rounding, up or down."""
    rng = np.random.default_rng(seed)

    def change(a: Any) -> Any:
        if a.dtype.kind != "f":
            return a.copy()
        return a * (1 + eps * rng.choice([-1.0, 1.0], size=a.shape))

    return change


def as_list(op: str, found: Any) -> list[Any]:
    """Bring what backward returned into one list: one entry a gradient of the row.

    Parameters
    ----------
    op : str
        A name of ``OPS``, or of a sandwich.
    found : object
        One gradient, or a tuple of them.

    Returns
    -------
    list
        Of gradients.
    """
    return list(found) if len(row_of(op).gradients) > 1 else [found]
