"""Make a case of the whole domain smaller: cut its arrays along the axes that the contract names.

A case that was drawn has no few sizes that it was built from. Its axes have letters, though,
the same in all of its arrays, and its options have values that ask for the least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.rows import row_of
from cnnpy.contract.shapes import as_pair

__all__ = ["cut", "smaller_than"]

_LEAST: Mapping[str, int] = {"stride": 1, "dilation": 1, "padding": 0, "output_padding": 0}
"""By option, the value that makes a case plainest."""

_SIZES = (1, 2, 3)
"""What an axis is cut to, smallest first."""


def cut(case: Case, sizes: Mapping[str, Any]) -> Case:
    """Cut the arrays of a case along axes, and change its options.

    Parameters
    ----------
    case : Case
        What was drawn.
    sizes : mapping
        By the letter of an axis its size, by the name of an option its value; others say
        nothing.

    Returns
    -------
    Case
        The smaller one, which may be none of the op's domain.

    Examples
    --------
    >>> arrays = {"x": np.zeros((2, 4, 5, 5)), "w": np.zeros((3, 2, 3, 3)), "b": None}
    >>> case = Case("conv2d", arrays, {"stride": 2, "padding": 1, "dilation": 1, "groups": 2})
    >>> print(cut(case, {"C": 2, "stride": 1}))
    conv2d(x=(2,2,5,5), w=(3,1,3,3), b=None, stride=1, padding=1, dilation=1, groups=2)
    """
    arrays = dict(case.arrays)
    for name, letters in _axes(case):
        groups = case.options.get("groups", 1)
        ends = (
            (sizes[letter.split("/")[0]], groups if "/" in letter else 1)
            if letter.split("/")[0] in sizes
            else (None, 1)
            for letter in letters
        )
        parts = tuple(slice(None if n is None else n // share) for n, share in ends)
        arrays[name] = np.ascontiguousarray(arrays[name][parts])
    options = {name: sizes.get(name, value) for name, value in case.options.items()}
    return Case(case.op, arrays, options)


def smaller_than(case: Case) -> dict[str, Sequence[Any]]:
    """List what may be made smaller of a case.

    Parameters
    ----------
    case : Case
        What was drawn.

    Returns
    -------
    dict
        By axis or option, the sizes or values to try, simplest first.
    """
    sizes: dict[str, Sequence[Any]] = {}
    groups = case.options.get("groups", 1)
    for name, letters in _axes(case):
        for letter, n in zip(letters, case.arrays[name].shape, strict=True):
            if "/" not in letter:
                sizes[letter] = tuple(k * groups for k in _SIZES if k * groups < n)
    for name, least in _LEAST.items():
        if name in case.options and case.options[name] is not None:
            given = case.options[name]
            if len(given if isinstance(given, tuple) else (0,)) <= 2 and as_pair(given) != (
                least,
                least,
            ):
                sizes[name] = (least,)
    return sizes


def _axes(case: Case) -> Iterator[tuple[str, list[str]]]:
    """Give the letters of the axes of each array whose axes have letters."""
    inputs = row_of(case.op).inputs
    for i in inputs:
        value = case.arrays.get(i.name)
        for letters in (form.split() for form in i.axes.split("|")):
            fits = isinstance(value, np.ndarray) and len(letters) == value.ndim
            if fits and "..." not in letters:
                yield i.name, letters
