"""The compiled engine: its settings, and arrays on its memory in its layout."""

from __future__ import annotations

import os
from typing import Any, Protocol

import numpy as np

from cnnpy.backends.native import _native
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import BackendError, OptionError
from cnnpy.contract.shapes import Shape

__all__ = [
    "as_rows",
    "contiguous",
    "empty",
    "images_from",
    "isa_level",
    "isa_levels",
    "num_threads",
    "set_num_threads",
]

_ISA = "CNNPY_ISA"
_THREADS = "CNNPY_NUM_THREADS"


class _Empty(Protocol):
    def __call__(self, shape: Shape) -> Any: ...


_EMPTY: dict[np.dtype[Any], _Empty] = {
    np.dtype(np.float32): _native.empty_f32,
    np.dtype(np.float64): _native.empty_f64,
    np.dtype(np.uint8): _native.empty_u8,
    np.dtype(np.int32): _native.empty_i32,
}


def empty(shape: Shape, dtype: np.dtype[Any]) -> Any:
    """Give an array on memory that is used again once nobody refers to it.

    Parameters
    ----------
    shape : tuple of int
        The shape; it lies in C order.
    dtype : numpy.dtype
        float32 or float64; uint8 or int32 for what is kept beside.

    Returns
    -------
    ndarray of the shape
        Its entries are whatever was there.
    """
    return _EMPTY[dtype](shape)


def contiguous(array: FloatArray) -> FloatArray:
    """Return the array in C order, itself where it lies so.

    Parameters
    ----------
    array : ndarray
        Of any strides.

    Returns
    -------
    ndarray
        The same values.
    """
    if array.flags.c_contiguous and array.flags.aligned:
        return array
    copy: FloatArray = empty(array.shape, array.dtype)
    if array.ndim == 4 and array.transpose(0, 2, 3, 1).flags.c_contiguous and array.flags.aligned:
        N, C, H, W = array.shape
        pixels = array.transpose(0, 2, 3, 1).reshape(N, H * W, C)
        _native.transpose(pixels, copy.reshape(N, C, H * W))
    else:
        np.copyto(copy, array)
    return copy


def as_rows(x: FloatArray) -> FloatArray:
    """Lay images out as the kernels read them.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images of any strides.

    Returns
    -------
    ndarray of shape (N, H, W, C)
        In C order; a view where the images lie channels-last.
    """
    rows = x.transpose(0, 2, 3, 1)
    if rows.flags.c_contiguous and rows.flags.aligned:
        return rows
    copy: FloatArray = empty(rows.shape, rows.dtype)
    if x.flags.c_contiguous and x.flags.aligned:
        N, C, H, W = x.shape
        _native.transpose(x.reshape(N, C, H * W), copy.reshape(N, H * W, C))
    else:
        np.copyto(copy, rows)
    return copy


def images_from(rows: FloatArray) -> FloatArray:
    """Give what the kernels wrote the shape that everybody knows.

    Parameters
    ----------
    rows : ndarray of shape (N, H, W, C)
        In C order.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        A view.
    """
    return rows.transpose(0, 3, 1, 2)


# --- settings ----------------------------------------------------------------------


def num_threads() -> int:
    """Return how many threads the compiled engine computes on.

    Returns
    -------
    int
        From `set_num_threads`, the environment variable ``CNNPY_NUM_THREADS``, or the
        number of CPUs that this program may use.
    """
    n: int = _native.n_threads()
    return n


def set_num_threads(n: int) -> None:
    """Choose how many threads the compiled engine computes on.

    The results have the same bits for any number.

    Parameters
    ----------
    n : int
        At least 1; more than there are CPUs is slower.

    Raises
    ------
    OptionError
        Where `n` is no such number.
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer):
        raise OptionError(
            f"set_num_threads: n={n!r}", "an integer from 1 up", f"use n={_usable_cpus()}"
        )
    if not 1 <= n <= _native.most_threads:
        raise OptionError(
            f"set_num_threads: n={n}",
            f"from 1 to {_native.most_threads} threads",
            f"use n={min(max(n, 1), _usable_cpus())}",
        )
    _native.set_n_threads(int(n))


def isa_level() -> str:
    """Name the instruction-set level that computes.

    Returns
    -------
    str
        One of `isa_levels`.
    """
    name: str = _native.level()
    return name


def isa_levels() -> dict[str, bool]:
    """Name the instruction-set levels that were built in, widest first.

    Returns
    -------
    dict of str to bool
        Whether this machine has them.
    """
    return dict(_native.levels())


def _usable_cpus() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _set_from_environment() -> None:
    wish = os.environ.get(_THREADS)
    if wish:
        if not wish.isdecimal() or not 1 <= int(wish) <= _native.most_threads:
            raise BackendError(
                f"{_THREADS}={wish!r}",
                f"an integer from 1 to {_native.most_threads}",
                f"use {_THREADS}={_usable_cpus()}",
            )
        _native.set_n_threads(int(wish))
    else:
        _native.set_n_threads(min(_usable_cpus(), _native.most_threads))
    wish = os.environ.get(_ISA)
    if wish:
        here = [name for name, is_here in isa_levels().items() if is_here]
        if wish not in here:
            built = wish in isa_levels()
            raise BackendError(
                f"{_ISA}={wish!r}"
                + (": built in, but this CPU or its system has no such registers" if built else ""),
                f"one of the levels that this machine has: {', '.join(here)}",
                f"use {_ISA}={here[0]}, or leave it out for the widest",
            )
        _native.set_level(wish)


_set_from_environment()
