"""Memory for large arrays: fresh pages cost more than what is done on them.

`scratch` is written over and over. Each thread has its own, a few MB a purpose, and
keeps it. What stands in it is gone at the next request for the same purpose, so
nothing of it may be returned or kept.

`zeros` takes its memory where NumPy asks for huge pages, as `numpy.empty` does and
`numpy.zeros` does not.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Shape

__all__ = ["scratch", "zeros"]

_MOST_BYTES = 16 << 20
_own = threading.local()


def scratch(purpose: str, shape: Shape, dtype: np.dtype[Any]) -> FloatArray:
    """Give uninitialised memory of a shape; above 16 MB it is fresh and not kept."""
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes > _MOST_BYTES:
        return np.empty(shape, dtype=dtype)
    kept: dict[str, NDArray[np.uint8]] = _own.__dict__.setdefault("kept", {})
    if purpose not in kept or kept[purpose].size < n_bytes:
        kept[purpose] = np.empty(n_bytes, dtype=np.uint8)
    return kept[purpose][:n_bytes].view(dtype).reshape(shape)


def zeros(shape: Shape, dtype: np.dtype[Any]) -> FloatArray:
    """Give zeros in memory that was written, and not merely promised."""
    array: FloatArray = np.empty(shape, dtype=dtype)
    array.fill(0)
    return array
