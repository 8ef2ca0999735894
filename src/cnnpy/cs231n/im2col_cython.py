"""The names of the course's compiled extension, on :mod:`cnnpy.cs231n.im2col`.

There is nothing to build: these run as they are.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from cnnpy.cs231n.im2col import col2im_indices, im2col_indices

__all__ = ["col2im_6d_cython", "col2im_cython", "im2col_cython"]

Array = NDArray[Any]


def im2col_cython(
    x: Array, field_height: int, field_width: int, padding: int, stride: int
) -> Array:
    """Lay the windows of images out as columns.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    field_height, field_width : int
        The window.
    padding, stride : int
        Zeros on each side; pixels from window to window.

    Returns
    -------
    ndarray of shape (C*HH*WW, H_out*W_out*N)
        The windows.

    Raises
    ------
    ShapeError
        Where the window does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> im2col_cython(np.arange(6).reshape(1, 1, 2, 3), 1, 2, 0, 1)
    array([[0, 1, 3, 4],
           [1, 2, 4, 5]])
    """
    return im2col_indices(x, field_height, field_width, padding, stride)


def col2im_cython(
    cols: Array,
    N: int,
    C: int,
    H: int,
    W: int,
    field_height: int,
    field_width: int,
    padding: int,
    stride: int,
) -> Array:
    """Add columns up into the images that their windows were cut from.

    Parameters
    ----------
    cols : ndarray of shape (C*HH*WW, H_out*W_out*N)
        The windows.
    N, C, H, W : int
        The shape of the images, before padding.
    field_height, field_width : int
        The window.
    padding, stride : int
        Zeros on each side; pixels from window to window.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        The images.

    Raises
    ------
    ShapeError
        Where the window does not fit, or cols has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> col2im_cython(np.ones((2, 4)), 1, 1, 2, 3, 1, 2, 0, 1)[0, 0]
    array([[1., 2., 1.],
           [1., 2., 1.]])
    """
    return col2im_indices(cols, (N, C, H, W), field_height, field_width, padding, stride)


def col2im_6d_cython(
    cols: Array, N: int, C: int, H: int, W: int, HH: int, WW: int, pad: int, stride: int
) -> Array:
    """Add columns with their six axes apart up into images.

    Parameters
    ----------
    cols : ndarray of shape (C, HH, WW, N, H_out, W_out)
        The windows.
    N, C, H, W : int
        The shape of the images, before padding.
    HH, WW : int
        The window.
    pad, stride : int
        Zeros on each side; pixels from window to window.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        The images.

    Raises
    ------
    ShapeError
        Where the window does not fit, or cols has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> col2im_6d_cython(np.ones((1, 1, 2, 1, 2, 2)), 1, 1, 2, 3, 1, 2, 0, 1)[0, 0]
    array([[1., 2., 1.],
           [1., 2., 1.]])
    """
    matrix = cols.transpose(0, 1, 2, 4, 5, 3).reshape(C * HH * WW, -1)
    return col2im_indices(matrix, (N, C, H, W), HH, WW, pad, stride)
