"""Dtypes as the course's callers mix them: the one room that casts.

Its notebooks add integer biases to float64 images and feed float64 images to
float32 weights. What NumPy's arithmetic would make of that is made here before
:mod:`cnnpy.functional`, which takes one dtype only, is called.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FLOATS

__all__ = ["dtype_of", "floats"]


def dtype_of(*values: Any) -> np.dtype[Any]:
    """Find the float dtype that arrays share: integers count as float64.

    Parameters
    ----------
    *values : ndarray or anything else
        What is no array of numbers does not count.

    Returns
    -------
    numpy.dtype
        ``np.result_type`` of them; float64 where nothing counts.

    Examples
    --------
    >>> dtype_of(np.ones(2, np.float32), np.ones(2, np.float32))
    dtype('float32')
    >>> dtype_of(np.ones(2, np.float32), np.array([0, 128]))
    dtype('float64')
    """
    kinds = [
        np.dtype(np.float64) if v.dtype.kind != "f" else v.dtype for v in filter(_real, values)
    ]
    return np.result_type(*kinds) if kinds else np.dtype(np.float64)


def floats(*values: Any, dtype: np.dtype[Any] | None = None) -> tuple[Any, ...]:
    """Bring arrays of real numbers to one float dtype.

    What is no array of real numbers (None, a list, complex numbers, masked arrays)
    passes as it is, for the contract to judge.

    Parameters
    ----------
    *values : ndarray or anything else
        The inputs of a layer.
    dtype : numpy.dtype, optional
        The dtype; that of :func:`dtype_of` where left out.

    Returns
    -------
    tuple
        As many values; an array that has the dtype already is returned itself.

    Examples
    --------
    >>> x, b = floats(np.ones(2, np.float32), np.array([0, 128]))
    >>> x.dtype, b.dtype
    (dtype('float64'), dtype('float64'))
    """
    common = dtype_of(*values) if dtype is None else dtype
    if common not in FLOATS:
        return values
    return tuple(v.astype(common, copy=False) if _real(v) else v for v in values)


def _real(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
