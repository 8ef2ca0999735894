"""concat: the definition.

The arrays stand one behind the other along an axis; each gets back the part of
dout that it filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray

__all__ = ["concat_backward", "concat_forward"]


def concat_forward(xs: Sequence[FloatArray], *, axis: int = 1) -> tuple[FloatArray, Any]:
    """Lay arrays one behind the other along an axis.

    Parameters
    ----------
    xs : list of ndarray
        Of shapes that differ along `axis` only.
    axis : int
        The axis.

    Returns
    -------
    out : ndarray
        All of them.
    cache : tuple
        Their sizes along the axis, and the axis.
    """
    out = np.empty(shapes.concat(tuple(x.shape for x in xs), axis=axis), dtype=xs[0].dtype)
    filled = np.moveaxis(out, axis, 0)
    start = 0
    for x in xs:
        stop = start + x.shape[axis]
        filled[start:stop] = np.moveaxis(x, axis, 0)
        start = stop
    return out, ([x.shape[axis] for x in xs], axis)


def concat_backward(dout: FloatArray, cache: Any) -> list[FloatArray]:
    """Cut the gradient into the parts that the arrays filled.

    Parameters
    ----------
    dout : ndarray of the shape of the output
        Gradient of the loss with respect to the output.
    cache : tuple
        From `concat_forward`.

    Returns
    -------
    list of ndarray
        One gradient for each array.
    """
    sizes, axis = cache
    filled = np.moveaxis(dout, axis, 0)
    dxs = []
    start = 0
    for size in sizes:
        dxs.append(np.moveaxis(filled[start : start + size], 0, axis).copy())
        start += size
    return dxs
