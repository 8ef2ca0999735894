"""In which order the entries of an array lie, for ops to which it does not matter.

Images that lie channels-last stay so, other arrays lie in C order; what comes in with
other strides is copied once. An op computes on arrays of one order, and gives its
results the shape back.
"""

from __future__ import annotations

from typing import NamedTuple

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import as_rows, contiguous, empty, images_from
from cnnpy.contract.dtypes import FloatArray

__all__ = ["Ordered", "copy_of", "in_order", "ordered", "shaped"]


class Ordered(NamedTuple):
    """An array in C order, and whether it is images as (N, H, W, C)."""

    array: FloatArray
    channels_last: bool


def ordered(x: FloatArray) -> Ordered:
    """Lay entries out one after the other, in the order that they have where they have one."""
    if x.ndim != 4:
        return Ordered(contiguous(x), False)
    rows = x.transpose(0, 2, 3, 1)
    if rows.flags.c_contiguous and rows.flags.aligned:
        return Ordered(rows, True)
    if x.flags.c_contiguous and x.flags.aligned:
        return Ordered(x, False)
    return Ordered(as_rows(x), True)


def in_order(x: FloatArray, channels_last: bool) -> FloatArray:
    """Lay entries out in the order of another array."""
    return as_rows(x) if channels_last else contiguous(x)


def shaped(array: FloatArray, channels_last: bool) -> FloatArray:
    """Give what was computed on ordered arrays the shape that everybody knows."""
    return images_from(array) if channels_last else array


def copy_of(x: FloatArray) -> FloatArray:
    """Copy an array, in the order that its entries have."""
    array, channels_last = ordered(x)
    copy = empty(array.shape, array.dtype)
    _native.copy(array, copy)
    return shaped(copy, channels_last)
