"""concat: NumPy's concatenate, and views of the gradient copied apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["concat_backward", "concat_forward"]


def concat_forward(xs: tuple[FloatArray, ...], *, axis: int) -> tuple[FloatArray, Any]:
    """Lay arrays one behind the other."""
    return np.concatenate(xs, axis=axis), (np.cumsum([x.shape[axis] for x in xs])[:-1], axis)


def concat_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[list[FloatArray]]:
    """Cut the gradient into the arrays' parts."""
    cuts, axis = cache
    return ([part.copy() for part in np.split(dout, cuts, axis=axis)],)
