"""Which dtypes the ops take, and what is said about the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DtypeError

__all__ = ["FLOATS", "FloatArray", "IntArray", "check_array", "check_float", "check_integer"]

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def check_array(
    op: str, name: str, value: object, like: np.dtype[Any] | None = None
) -> NDArray[Any]:
    """Return `value`, which must be a NumPy array or scalar, as a plain array."""
    if value is None:
        raise DtypeError(
            f"{op}: {name} is None",
            "a NumPy array of float32 or float64",
            f"give {name}: it may not be left out",
        )
    if isinstance(value, np.ma.MaskedArray):
        raise DtypeError(
            f"{op}: {name} is a masked array of shape {value.shape}",
            "a plain NumPy array: the mask would be lost",
            f"use {name}.filled(0)",
        )
    if not isinstance(value, np.ndarray | np.generic):
        raise DtypeError(
            f"{op}: {name} is a {type(value).__name__}",
            "a NumPy array of float32 or float64",
            f"use np.asarray({name}, dtype=np.{like or 'float32'})",
        )
    return np.asarray(value)


def check_float(op: str, name: str, array: NDArray[Any], like: np.dtype[Any] | None) -> None:
    """Demand float32 or float64 in native byte order, and the dtype `like` where given."""
    dtype = array.dtype
    if not any(dtype == known for known in FLOATS):
        swapped = dtype.newbyteorder("=") if dtype.kind == "f" and not dtype.isnative else None
        if swapped is not None and swapped in FLOATS:
            mend = f"it is byte-swapped: use {name}.astype(np.{like or swapped})"
        elif dtype.kind == "c":
            mend = f"use {name}.real.astype(np.{like or 'float32'})"
        else:
            mend = f"use {name}.astype(np.{like or 'float32'})"
            if dtype.kind in "iub" and like is None:
                mend += ", and divide by 255 if it holds image bytes" * (dtype == np.uint8)
        raise DtypeError(
            f"{op}: {name} has dtype {dtype.str if swapped is not None else dtype}",
            "float32 or float64, in the machine's byte order",
            mend,
        )
    if like is not None and dtype != like:
        raise DtypeError(
            f"{op}: {name} has dtype {dtype}; the arrays before it have {like}",
            "one dtype for all arrays: nothing is cast silently",
            f"use {name}.astype(np.{like})",
        )


def check_integer(op: str, name: str, array: NDArray[Any]) -> None:
    """Demand any integer type in native byte order."""
    dtype = array.dtype
    if dtype.kind not in "iu" or not dtype.isnative:
        if dtype.kind in "iu":
            mend = f"it is byte-swapped: use {name}.astype(np.int64)"
        elif dtype.kind in "USO":
            mend = f"number the names: classes, {name} = np.unique({name}, return_inverse=True)"
        else:
            mend = f"use {name}.astype(np.int64)"
        raise DtypeError(
            f"{op}: {name} has dtype {dtype.str if dtype.kind in 'iu' else dtype}",
            "class indices of an integer type, in the machine's byte order",
            mend,
        )
