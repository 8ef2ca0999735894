"""Whether two arrays agree, with a reason for the tolerance; whether they are one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.opspec import Tolerance

__all__ = ["allowed", "are_numbers", "disagreement", "entangled"]


def allowed(
    tolerance: Tolerance,
    dtype: np.dtype[Any],
    want: FloatArray,
    bound: FloatArray | None,
    largest_input: float,
) -> FloatArray:
    """Return how far each entry may be from `want`.

    Parameters
    ----------
    tolerance : Tolerance
        The row's.
    dtype : numpy.dtype
        Of the implementation under test.
    want : ndarray
        The definition's values, float64.
    bound : ndarray or None
        The definition on absolute values, for the rule ``bound``; the definition as far
        as one rounding of its inputs or of its own moves it, for the rule ``scale``.
    largest_input : float
        The largest absolute value that went in, for the rule ``scale``.

    Returns
    -------
    ndarray of the shape of want
        Absolute distances.

    Examples
    --------
    >>> eight = Tolerance("bound", 8)
    >>> allowed(eight, np.dtype(np.float64), np.zeros(1), np.ones(1), 0.0) == 8 * 2.0**-52
    array([ True])
    """
    eps = float(np.finfo(dtype).eps)
    if tolerance.rule == "exact":
        return np.zeros(want.shape)
    if tolerance.rule == "scale":
        scale = max(1.0, largest_input, _largest(want))
        shift = 0.0 if bound is None else _largest(bound - want)
        return np.full(want.shape, tolerance.k * (eps * scale + shift))
    return tolerance.k * eps * (np.zeros(want.shape) if bound is None else np.abs(bound))


def _largest(values: FloatArray) -> float:
    """Return the largest absolute value among the finite ones."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def are_numbers(value: Any) -> bool:
    """Tell whether something is an array of real numbers or truth values, or such a number.

    Parameters
    ----------
    value : object
        Whatever a pass gave.

    Returns
    -------
    bool
        False for None, lists, texts, complex numbers.

    Examples
    --------
    >>> are_numbers(np.ones(2)), are_numbers([1.0, 1.0]), are_numbers(np.array(["1"]))
    (True, False, False)
    """
    if not isinstance(value, np.ndarray | np.generic | float | int):
        return False
    return np.asarray(value).dtype.kind in "fiub"


def disagreement(got: FloatArray, want: FloatArray, distance: FloatArray) -> str | None:
    """Describe the worst entry that is too far off, or return None.

    Parameters
    ----------
    got : ndarray
        The values under test.
    want : ndarray of the same shape
        The definition's values.
    distance : ndarray of the same shape
        How far each may be off.

    Returns
    -------
    str or None
        One line on the worst entry.

    Examples
    --------
    >>> print(disagreement(np.array([1.0, 5.0]), np.array([1.0, 2.0]), np.zeros(2)))
    1 of 2 entries differ; worst at [1]: 5.0, the definition's 2.0
    """
    with np.errstate(invalid="ignore"):
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        off = np.where(same, 0.0, np.abs(got - want))
        wrong = ~same & ~(off <= distance)
    if not wrong.any():
        return None
    off = np.where(wrong, np.where(np.isfinite(off), off, np.inf), -1.0)
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
    return (
        f"{int(wrong.sum())} of {wrong.size} entries differ; worst at {list(at)}: "
        f"{float(got[at])!r}, the definition's {float(want[at])!r}"
    )


def entangled(gradients: Sequence[Any]) -> bool:
    """Tell whether two gradients stand in the same memory.

    Parameters
    ----------
    gradients : sequence
        Arrays, lists of arrays, or None.

    Returns
    -------
    bool
        Whether writing to one changes another.
    """
    flat = [g for v in gradients for g in (v if isinstance(v, list | tuple) else [v])]
    arrays = [g for g in flat if isinstance(g, np.ndarray) and g.size]
    return any(np.shares_memory(a, b) for a, b in itertools.combinations(arrays, 2))
