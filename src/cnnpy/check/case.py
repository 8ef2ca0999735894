"""A case: the inputs and options of one call, and the hand that draws them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnpy.check.rows import row_of
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Shape

__all__ = [
    "IN_ANOTHER_ORDER",
    "KEYS",
    "LAYOUTS",
    "MIXED",
    "SEED",
    "WHOLE_NUMBERS",
    "Case",
    "Hand",
    "RandomHand",
    "any_shape",
    "as_written",
    "draw_axis",
    "handed_over",
]

T = TypeVar("T")

SEED = 123
"""What the course's parameters of dropout hold as ``seed``, with which the mask is drawn again."""


@dataclass(frozen=True)
class Case:
    """The inputs and options of one call of an op.

    Parameters
    ----------
    op : str
        A name of ``OPS``, or of a sandwich.
    arrays : mapping
        Every input by name: float64 arrays, labels, None, or a list of arrays.
    options : mapping
        Every option by name, as a caller writes it.
    """

    op: str
    arrays: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)

    def positional(self) -> list[Any]:
        """Return the inputs that stand before the ``*``, in order.

        Returns
        -------
        list
            Arrays, lists of arrays, or None.
        """
        return [self.arrays[i.name] for i in row_of(self.op).positional]

    def keywords(self) -> dict[str, Any]:
        """Return the arrays and options that are given by keyword.

        Returns
        -------
        dict
            By name.
        """
        return {i.name: self.arrays[i.name] for i in row_of(self.op).keyword} | dict(self.options)

    def map(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Case:
        """Return this case with every array changed.

        Parameters
        ----------
        change : callable
            Of an array, returning an array.

        Returns
        -------
        Case
            With the same options.
        """

        def apply(value: Any) -> Any:
            if isinstance(value, np.ndarray):
                return change(value)
            return [apply(v) for v in value] if isinstance(value, list) else value

        return Case(self.op, {k: apply(v) for k, v in self.arrays.items()}, self.options)

    def cast(self, dtype: type[np.floating[Any]]) -> Case:
        """Return this case with its float arrays of another dtype.

        Parameters
        ----------
        dtype : type
            The other dtype.

        Returns
        -------
        Case
            Each array of it a fresh one.
        """
        return self.map(lambda a: a.astype(dtype) if a.dtype.kind == "f" else a.copy())

    def __str__(self) -> str:
        parts = [f"{name}={_describe(value)}" for name, value in self.arrays.items()]
        parts += [f"{name}={value!r}" for name, value in self.options.items()]
        return f"{self.op}({', '.join(parts)})"


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return str(value.shape).replace(" ", "")
    return "[" + ", ".join(map(_describe, value)) + "]" if isinstance(value, list) else str(value)


class Hand(Protocol):
    """What draws a case: a random generator, or a property-based test."""

    def integer(self, name: str, low: int, high: int) -> int:
        """Draw an integer from `low` to `high`, both included."""
        ...

    def choice(self, name: str, values: Sequence[T]) -> T:
        """Draw one of some values."""
        ...

    def floats(self, shape: Shape, *, coarse: bool = False) -> FloatArray:
        """Draw a float64 array; `coarse` ones are small integers, and so have ties."""
        ...


class RandomHand:
    """Draw cases with a seeded generator, and count what was drawn.

    Parameters
    ----------
    seed : int
        Of the generator.

    Examples
    --------
    >>> hand = RandomHand(0)
    >>> hand.integer("stride", 1, 1)
    1
    >>> hand.met["stride"]
    Counter({1: 1})
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.met: dict[str, Counter[Any]] = {}

    def integer(self, name: str, low: int, high: int) -> int:
        """Draw an integer from `low` to `high`, both included.

        Parameters
        ----------
        name : str
            What it is counted as.
        low, high : int
            The ends.

        Returns
        -------
        int
            The integer.
        """
        return self._count(name, int(self.rng.integers(low, high + 1)))

    def choice(self, name: str, values: Sequence[T]) -> T:
        """Draw one of some values.

        Parameters
        ----------
        name : str
            What it is counted as.
        values : sequence
            The values; one that stands twice is drawn twice as often.

        Returns
        -------
        object
            One of them.
        """
        return self._count(name, values[int(self.rng.integers(len(values)))])

    def floats(self, shape: Shape, *, coarse: bool = False) -> FloatArray:
        """Draw a float64 array; `coarse` ones are small integers, and so have ties.

        Parameters
        ----------
        shape : tuple of int
            Its shape.
        coarse : bool
            Whether to draw small integers.

        Returns
        -------
        ndarray of float64
            The array.
        """
        if coarse:
            return np.asarray(self.rng.integers(-2, 3, shape), dtype=np.float64)
        return np.asarray(self.rng.standard_normal(shape))

    def _count(self, name: str, value: T) -> T:
        self.met.setdefault(name, Counter())[value] += 1
        return value


def draw_axis(hand: Hand, name: str, reach: int, padding: int, largest: int = 8) -> int:
    """Draw the size of an axis that a window of `reach` pixels fits into."""
    smallest = max(1, reach - 2 * padding)
    return hand.integer(name, smallest, max(smallest, largest))


def as_written(hand: Hand, name: str, pair: tuple[int, ...]) -> int | tuple[int, ...]:
    """Write an equal pair as one number, now and then: both forms mean the same."""
    if pair[0] == pair[1] and hand.choice(f"{name} written as", ["number", "pair"]) == "number":
        return pair[0]
    return pair


def any_shape(hand: Hand) -> FloatArray:
    """Draw an array of zero to four axes, small integers among them, empty now and then."""
    sizes = tuple(hand.integer("size", 1, 5) for _ in range(hand.integer("axes", 0, 4)))
    if sizes and hand.choice("batch", ["some", "some", "some", "none"]) == "none":
        sizes = (0, *sizes[1:])
    values = hand.floats(sizes, coarse=hand.choice("coarse", [True, False]))
    return np.asarray(values * hand.choice("scale", [1.0, 3.0, 30.0]))


# --- memory layouts ----------------------------------------------------------------


def _channels_last(a: NDArray[Any]) -> NDArray[Any]:
    if a.ndim < 3:
        return np.asfortranarray(a)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1)


def _every_second(a: NDArray[Any]) -> NDArray[Any]:
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), dtype=a.dtype)
    wide[..., ::2] = a
    return wide[..., ::2]


def _backwards(a: NDArray[Any]) -> NDArray[Any]:
    turn = (slice(None, None, -1),) * a.ndim
    return np.ascontiguousarray(a[turn])[turn]


def _read_only(a: NDArray[Any]) -> NDArray[Any]:
    copy = a.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "contiguous": np.ascontiguousarray,
    "channels-last": _channels_last,
    "every second": _every_second,
    "backwards": _backwards,
    "read-only": _read_only,
}
"""The same values in other memory: what a caller may hand in."""


# --- other manners of handing the same over ----------------------------------------

WHOLE_NUMBERS = "whole numbers"
"""The manner in which arrays that hold whole numbers alone are handed over as integers."""

MIXED = "float32 beside float64"
"""The manner in which the first argument is handed over in float32, and it alone."""

IN_ANOTHER_ORDER = "keys in another order"
"""The manner in which the keys of parameters stand the other way round."""

KEYS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    IN_ANOTHER_ORDER: lambda values: dict(reversed(list(values.items()))),
    "a key more": lambda values: {"comment": None, **values},
}
"""The same parameters in other dictionaries."""


def handed_over(value: Any, manner: str) -> Any:
    """Give an argument as a caller hands it over in some manner.

    Parameters
    ----------
    value : object
        An array, a dictionary of parameters, or anything else, which stays as it is.
    manner : str
        A name of `LAYOUTS` or `KEYS`, or `WHOLE_NUMBERS`, or `MIXED`.

    Returns
    -------
    object
        The same values; an array is a fresh one, a dictionary too.

    Examples
    --------
    >>> handed_over({"stride": 1, "pad": 0}, "keys in another order")
    {'pad': 0, 'stride': 1}
    >>> handed_over(np.array([1.0, 2.0]), WHOLE_NUMBERS)
    array([1, 2])
    """
    if isinstance(value, Mapping):
        return KEYS.get(manner, dict)(value)
    if not isinstance(value, np.ndarray):
        return value
    if manner == WHOLE_NUMBERS and np.array_equal(value, np.round(value)):
        return value.astype(np.int64)
    if manner == MIXED and value.dtype.kind == "f":
        return value.astype(np.float32)
    return LAYOUTS[manner](value.copy()) if manner in LAYOUTS and value.ndim else value.copy()
