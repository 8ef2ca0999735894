"""Values of an array, from what one can work by hand to what hides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from cnnpy.check.case import Hand
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Shape

__all__ = ["values_of"]


def values_of(hand: Hand, kind: str, shape: Shape) -> FloatArray:
    """Fill an array.

    Parameters
    ----------
    hand : Hand
        Draws what is random.
    kind : str
        ``ones``; ``counting``: 1, 2, 3, ...; ``shuffled``: these in another order;
        ``integers``: small ones, so that some are equal; ``floats``; ``negative`` floats;
        ``rectified`` ones, as behind a ReLU.
    shape : tuple of int
        Its shape.

    Returns
    -------
    ndarray of float64
        The array.

    Examples
    --------
    >>> from cnnpy.check import RandomHand
    >>> values_of(RandomHand(0), "counting", (2, 2))
    array([[1., 2.],
           [3., 4.]])
    """
    return _KINDS[kind](hand, shape)


def _counting(hand: Hand, shape: Shape) -> FloatArray:
    return np.arange(1.0, np.prod(shape, dtype=int) + 1).reshape(shape)


def _shuffled(hand: Hand, shape: Shape) -> FloatArray:
    order = np.argsort(np.ravel(hand.floats(shape)), kind="stable")
    return np.asarray(order + 1.0).reshape(shape)


_KINDS: Mapping[str, Callable[[Hand, Shape], FloatArray]] = {
    "ones": lambda hand, shape: np.ones(shape),
    "counting": _counting,
    "shuffled": _shuffled,
    "integers": lambda hand, shape: hand.floats(shape, coarse=True),
    "floats": lambda hand, shape: hand.floats(shape),
    "negative": lambda hand, shape: np.asarray(-np.abs(hand.floats(shape)) - 0.5),
    "rectified": lambda hand, shape: np.maximum(hand.floats(shape), 0.0),
}
