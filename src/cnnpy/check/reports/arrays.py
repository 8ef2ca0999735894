"""Arrays in a report: as plain numbers, and which of them differ from the definition's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from cnnpy.check.compare import allowed
from cnnpy.check.dialects import Found
from cnnpy.check.observe import Observation, lenient
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.opspec import Tolerance

__all__ = ["ArrayData", "Result", "as_array", "as_plain", "differing", "results_of"]

MOST_NUMBERS = 1024
"""Of one array in a report."""


class ArrayData(TypedDict):
    """An array as plain data.

    ``shape`` is a list of sizes, ``dtype`` a name of NumPy's, ``values`` nested lists, or
    null where the array has more than 1,024 entries. What is no finite number is one of the
    strings ``"nan"``, ``"inf"`` and ``"-inf"``.
    """

    shape: list[int]
    dtype: str
    values: Any


class Result(NamedTuple):
    """One result beside the definition's.

    Parameters
    ----------
    place : str
        Where: ``forward``, ``d<input>``, or the name of an updated array.
    got, want : object
        What came, what is right.
    bound : ndarray or None
        For its tolerance.
    """

    place: str
    got: Any
    want: Any
    bound: Any

    @property
    def name(self) -> str:
        """Give the name of the variable that holds it."""
        return "out" if self.place == "forward" else self.place


def as_array(value: Any) -> ArrayData | None:
    """Write an array as plain data.

    Parameters
    ----------
    value : object
        An array or a number, or anything else.

    Returns
    -------
    ArrayData or None
        None for what is no array of real numbers.

    Examples
    --------
    >>> as_array(np.array([[1.0, np.inf]]))
    {'shape': [1, 2], 'dtype': 'float64', 'values': [[1.0, 'inf']]}
    >>> as_array("a string") is None
    True
    """
    if isinstance(value, bool | int | float | np.generic):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
        return None
    if value.dtype.kind == "f" and value.dtype.itemsize > 8:  # which Python has no number for
        with np.errstate(over="ignore"):
            values = value.astype(np.float64)
    else:
        values = value
    # of an empty array too: a billion rows of nothing are a billion lists
    few = math.prod(max(n, 1) for n in value.shape) <= MOST_NUMBERS
    return {
        "shape": [int(n) for n in value.shape],
        "dtype": value.dtype.name,
        "values": _plain(values.tolist()) if few else None,
    }


def as_plain(value: Any) -> Any:
    """Write the value of an option as JSON has it.

    Parameters
    ----------
    value : object
        A number, a string, None, or a sequence of those.

    Returns
    -------
    object
        The same without tuples and without numbers that JSON lacks.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | float | str | list | tuple):
        return _plain(value)
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def results_of(found: Found, o: Observation) -> Iterator[Result]:
    """Stand every result of a case beside the definition's.

    Parameters
    ----------
    found : Found
        The implementation.
    o : Observation
        What was tried on it.

    Yields
    ------
    Result
        The output, what forward updates, the gradients.
    """
    yield Result("forward", o.outcome.out, o.truth.out, o.truth.out_bound)
    for name, want in o.truth.updated.items():
        if name in o.outcome.updated:
            yield Result(name, o.outcome.updated[name], want, None)
    gradients = zip(
        found.dialect.gradients, o.truth.gradients, o.truth.gradient_bounds, strict=True
    )
    for name, want, bound in gradients:
        got = o.outcome.gradients.get(name)
        if not isinstance(want, list):
            yield Result(f"d{name}", got, want, bound)
            continue
        parts = got if isinstance(got, list | tuple) else []
        for k, part in enumerate(want):
            one = parts[k] if k < len(parts) else None
            yield Result(f"d{name}[{k}]", one, part, bound[k] if bound else None)


def differing(o: Observation, result: Result) -> NDArray[np.bool_] | None:
    """Tell which entries are wrong.

    Parameters
    ----------
    o : Observation
        What was tried.
    result : Result
        One of its results.

    Returns
    -------
    ndarray of bool or None
        None where the two have not the same shape, or one is no array of numbers.
    """
    if as_array(result.got) is None or as_array(result.want) is None:
        return None
    got, want = np.asarray(result.got), np.asarray(result.want)
    if got.shape != want.shape:
        return None
    with np.errstate(over="ignore"):
        got, want = got.astype(np.float64), want.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        near = np.abs(got - want) <= _distance(o, result, want)
    wrong: NDArray[np.bool_] = ~(same | near)
    return wrong


def _distance(o: Observation, result: Result, want: FloatArray) -> FloatArray:
    """Give how far off an entry may be before the judge calls it wrong."""
    tolerance = lenient(o.case.op, o.rounds_to)
    if result.place in o.truth.updated:
        tolerance = Tolerance("scale", 64)
    elif tolerance.rule == "routed":
        tolerance = Tolerance("exact") if result.place == "forward" else _bound(tolerance)
    return allowed(tolerance, np.dtype(o.rounds_to), want, result.bound, _largest(o))


def _bound(tolerance: Tolerance) -> Tolerance:
    return Tolerance("bound", tolerance.k)


def _largest(o: Observation) -> float:
    arrays = [o.dout, *(a for a in o.case.arrays.values() if isinstance(a, np.ndarray))]
    floats = [a[np.isfinite(a)] for a in arrays if a.dtype.kind == "f"]
    return max([1.0, *(float(np.abs(a).max(initial=0.0)) for a in floats)])
