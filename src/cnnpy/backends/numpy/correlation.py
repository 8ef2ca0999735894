"""The three passes of a convolution as matrix products: the room behind conv2d.

The windows of the padded images are laid out as a matrix (im2col), a block of images
at a time, so that the matrix stays in the cache and is written over and over instead
of taking fresh pages from the system:

correlate        out  = windows · w
filter_gradient  dw   = dout · windows
adjoint          dx  += dout · w, added back to the windows that it stands for

There are two ways to lay them out. ``windows_as_rows`` keeps channels last: a row of
a window is WW·C numbers in a row of memory. ``windows_as_columns`` keeps planes: each
entry of the window is a run of W_out numbers. The longer run wins; few channels
want planes.
"""

from __future__ import annotations

import numpy as np

from cnnpy.backends.numpy import windows_as_columns, windows_as_rows
from cnnpy.backends.numpy.geometry import Geometry
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, Shape

__all__ = ["adjoint", "bias_gradient", "correlate", "filter_gradient", "gradients"]

# In numbers, measured: below the first, copying rows of a window costs more than copying
# planes; below the second, so does adding them back.
_SHORT_RUN = 10
_FEW_CHANNELS = 4

Kept = FloatArray | None
"""The matrix of a forward pass that took one block only: backward need not make it again."""


def correlate(
    x: FloatArray, w: FloatArray, b: FloatArray | None, places: Pair, geometry: Geometry
) -> tuple[FloatArray, Kept]:
    """Compute (N, F, H_out, W_out) of the images x and the filters w."""
    short = _has_short_rows(w.shape)
    run = windows_as_columns.correlate if short else windows_as_rows.correlate
    return run(x, w, b, places, geometry)


def filter_gradient(
    x: FloatArray, dout: FloatArray, w_shape: Shape, geometry: Geometry, kept: Kept
) -> FloatArray:
    """Compute the gradient of the filters from the images and the output's gradient."""
    short = _has_short_rows(w_shape)
    run = windows_as_columns.filter_gradient if short else windows_as_rows.filter_gradient
    return run(x, dout, w_shape, geometry, kept)


def adjoint(dout: FloatArray, w: FloatArray, x_shape: Shape, geometry: Geometry) -> FloatArray:
    """Compute the gradient of the images from the output's gradient and the filters."""
    few = w.shape[1] < _FEW_CHANNELS
    run = windows_as_columns.adjoint if few else windows_as_rows.adjoint
    return run(dout, w, x_shape, geometry)


def gradients(
    x: FloatArray,
    dout: FloatArray,
    w: FloatArray,
    geometry: Geometry,
    kept: Kept,
    needs: tuple[bool, bool, bool],
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Compute those of dx, dw and db that are needed."""
    if all(needs) and _has_short_rows(w.shape) and w.shape[1] < _FEW_CHANNELS:
        return windows_as_columns.gradients(x, dout, w, geometry, kept)
    dout = _in_memory_of_windows(dout, w.shape)
    dx = adjoint(dout, w, x.shape, geometry) if needs[0] else None
    dw = filter_gradient(x, dout, w.shape, geometry, kept) if needs[1] else None
    db = bias_gradient(dout) if needs[2] else None
    return dx, dw, db


def bias_gradient(dout: FloatArray) -> FloatArray:
    """Sum the output's gradient over images and pixels; in float64, which long sums need."""
    total: FloatArray = dout.sum(axis=(0, 2, 3), dtype=np.float64)
    return total.astype(dout.dtype, copy=False)


def _in_memory_of_windows(dout: FloatArray, w_shape: Shape) -> FloatArray:
    """Bring dout into the memory that both passes back read, once for both."""
    if _has_short_rows(w_shape):
        return np.ascontiguousarray(dout)
    return np.ascontiguousarray(dout.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def _has_short_rows(w_shape: Shape) -> bool:
    """Tell whether a row of a window is a short run of memory with channels last."""
    _, C_group, _, WW = w_shape
    return C_group * WW < _SHORT_RUN
