"""Windows of images as columns of a matrix, and back: convolution as a product.

The rows of the matrix are the entries of a window in the order (C, HH, WW), its
columns the windows in the order (H_out, W_out, N): the image changes fastest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from cnnpy.contract import shapes
from cnnpy.contract.errors import ShapeError

__all__ = ["col2im_indices", "get_im2col_indices", "im2col_indices"]

Array = NDArray[Any]


def get_im2col_indices(
    x_shape: tuple[int, int, int, int],
    field_height: int,
    field_width: int,
    padding: int = 1,
    stride: int = 1,
) -> tuple[Array, Array, Array]:
    """Name the channel, row and column of each entry of the matrix.

    Parameters
    ----------
    x_shape : (int, int, int, int)
        (N, C, H, W), before padding.
    field_height, field_width : int
        The window.
    padding : int
        Zeros on each side.
    stride : int
        Pixels from window to window.

    Returns
    -------
    k : ndarray of shape (C*HH*WW, 1)
        Channels.
    i, j : ndarray of shape (C*HH*WW, H_out*W_out)
        Rows and columns of the padded image.

    Raises
    ------
    ShapeError
        Where the window does not fit.

    Examples
    --------
    >>> k, i, j = get_im2col_indices((1, 1, 2, 3), 1, 2, padding=0)
    >>> i.tolist(), j.tolist()
    ([[0, 0, 1, 1], [0, 0, 1, 1]], [[0, 1, 0, 1], [1, 2, 1, 2]])
    """
    H_out, W_out = _places(x_shape, field_height, field_width, padding, stride)
    k, u, v = np.indices((x_shape[1], field_height, field_width)).reshape(3, -1, 1)
    row, column = np.indices((H_out, W_out)).reshape(2, 1, -1)
    return k, stride * row + u, stride * column + v


def im2col_indices(
    x: Array, field_height: int, field_width: int, padding: int = 1, stride: int = 1
) -> Array:
    """Lay the windows of images out as columns.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    field_height, field_width : int
        The window.
    padding : int
        Zeros on each side.
    stride : int
        Pixels from window to window.

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
    >>> im2col_indices(np.arange(6).reshape(1, 1, 2, 3), 1, 2, padding=0)
    array([[0, 1, 3, 4],
           [1, 2, 4, 5]])
    """
    H_out, W_out = _places(x.shape, field_height, field_width, padding, stride)
    N, C = x.shape[:2]
    x_pad = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(x_pad, (field_height, field_width), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    rows = windows.transpose(1, 4, 5, 2, 3, 0)
    return rows.reshape(C * field_height * field_width, H_out * W_out * N)


def col2im_indices(
    cols: Array,
    x_shape: tuple[int, int, int, int],
    field_height: int = 3,
    field_width: int = 3,
    padding: int = 1,
    stride: int = 1,
) -> Array:
    """Add columns up into the images that their windows were cut from.

    Parameters
    ----------
    cols : ndarray of shape (C*HH*WW, H_out*W_out*N)
        The windows.
    x_shape : (int, int, int, int)
        (N, C, H, W), before padding.
    field_height, field_width : int
        The window.
    padding : int
        Zeros on each side, cut off again.
    stride : int
        Pixels from window to window.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        The images; where windows overlap, a pixel collects a sum.

    Raises
    ------
    ShapeError
        Where the window does not fit, or cols has another shape.

    Examples
    --------
    >>> cols = im2col_indices(np.ones((1, 1, 2, 3)), 1, 2, padding=0)
    >>> col2im_indices(cols, (1, 1, 2, 3), 1, 2, padding=0)[0, 0]
    array([[1., 2., 1.],
           [1., 2., 1.]])
    """
    H_out, W_out = _places(x_shape, field_height, field_width, padding, stride)
    N, C, H, W = x_shape
    wanted = (C * field_height * field_width, H_out * W_out * N)
    if cols.shape != wanted:
        raise ShapeError(
            f"col2im_indices: cols has shape {cols.shape}",
            f"(C*HH*WW, H_out*W_out*N) = {wanted}",
            "give field_height, field_width, padding and stride of im2col_indices",
        )
    entries = cols.reshape(C, field_height, field_width, H_out, W_out, N)
    x_pad = np.zeros((N, C, H + 2 * padding, W + 2 * padding), dtype=cols.dtype)
    for u in range(field_height):
        for v in range(field_width):
            rows = slice(u, u + stride * H_out, stride)
            columns = slice(v, v + stride * W_out, stride)
            x_pad[:, :, rows, columns] += entries[:, u, v].transpose(3, 0, 1, 2)
    return x_pad[:, :, padding : padding + H, padding : padding + W]


def _places(x_shape: tuple[int, ...], HH: int, WW: int, padding: int, stride: int) -> shapes.Pair:
    """Count the windows, by the shape rule of convolution."""
    if len(x_shape) != 4:
        raise ShapeError(
            f"im2col: x has shape {x_shape}",
            "x with the axes (N, C, H, W)",
            "use x[np.newaxis]" if len(x_shape) == 3 else "reshape x to four axes",
        )
    _, _, H_out, W_out = shapes.conv2d(
        (x_shape[0], x_shape[1], x_shape[2], x_shape[3]),
        (1, x_shape[1], HH, WW),
        None,
        stride=(stride, stride),
        padding=(padding, padding),
        dilation=(1, 1),
        groups=1,
    )
    return H_out, W_out
