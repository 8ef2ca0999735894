"""The course's fast layers: convolution and max pooling on the fastest backend.

The course has several implementations of one thing, told apart by the end of their
names (``im2col``, ``strides``, ``reshape``). Here they are one, and take every input
that the naive ones take. There is no extension to compile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from cnnpy.cs231n.caches import Kept
from cnnpy.cs231n.convolution import convolve, convolve_gradients, max_pool, max_pool_gradient
from cnnpy.cs231n.im2col import col2im_indices, get_im2col_indices, im2col_indices
from cnnpy.cs231n.im2col_cython import col2im_6d_cython, col2im_cython, im2col_cython

__all__ = [
    "col2im_6d_cython",
    "col2im_cython",
    "col2im_indices",
    "conv_backward_fast",
    "conv_backward_im2col",
    "conv_backward_strides",
    "conv_forward_fast",
    "conv_forward_im2col",
    "conv_forward_strides",
    "get_im2col_indices",
    "im2col_cython",
    "im2col_indices",
    "max_pool_backward_fast",
    "max_pool_backward_im2col",
    "max_pool_backward_reshape",
    "max_pool_forward_fast",
    "max_pool_forward_im2col",
    "max_pool_forward_reshape",
]

Array = NDArray[Any]


def conv_forward_fast(
    x: Array, w: Array, b: Array, conv_param: Mapping[str, Any]
) -> tuple[Array, Kept]:
    """Slide filters over images and sum the products.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    w : ndarray of shape (F, C, HH, WW)
        Filters.
    b : ndarray of shape (F,)
        Biases.
    conv_param : dict
        ``"stride"``: pixels from window to window. ``"pad"``: zeros added on each
        side.

    Returns
    -------
    out : ndarray of shape (N, F, H_out, W_out)
        ``H_out = 1 + (H + 2*pad - HH) // stride``, W_out alike.
    cache : tuple
        For `conv_backward_fast`.

    Raises
    ------
    ShapeError
        Where C differs, or the window does not fit.
    DtypeError
        Where something is no array of real numbers.
    OptionError
        Where stride or pad is missing or out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> conv_param = {"stride": 1, "pad": 0}
    >>> out, cache = conv_forward_fast(x, np.ones((1, 1, 3, 3)), np.array([0]), conv_param)
    >>> out[0, 0]
    array([[45., 54.],
           [81., 90.]])
    """
    return convolve("conv_forward_fast", x, w, b, conv_param)


def conv_backward_fast(dout: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute the gradients of a convolution.

    Parameters
    ----------
    dout : ndarray of shape (N, F, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `conv_forward_fast`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the images.
    dw : ndarray of shape (F, C, HH, WW)
        Gradient of the filters.
    db : ndarray of shape (F,)
        Gradient of the biases.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout is no array of real numbers.
    CacheError
        Where cache is not from `conv_forward_fast`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> conv_param = {"stride": 1, "pad": 0}
    >>> out, cache = conv_forward_fast(x, np.ones((1, 1, 3, 3)), np.array([0]), conv_param)
    >>> dx, dw, db = conv_backward_fast(np.ones_like(out), cache)
    >>> db
    array([4.])
    """
    return convolve_gradients("conv_backward_fast", dout, cache)


def max_pool_forward_fast(x: Array, pool_param: Mapping[str, Any]) -> tuple[Array, Kept]:
    """Keep the largest entry of each window.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    pool_param : dict
        ``"pool_height"``, ``"pool_width"``: the window. ``"stride"``: pixels from
        window to window.

    Returns
    -------
    out : ndarray of shape (N, C, H_out, W_out)
        ``H_out = 1 + (H - pool_height) // stride``, W_out alike.
    cache : tuple
        For `max_pool_backward_fast`.

    Raises
    ------
    ShapeError
        Where the window does not fit.
    DtypeError
        Where x is no array of real numbers.
    OptionError
        Where a key is missing or out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
    >>> out, cache = max_pool_forward_fast(np.arange(16.0).reshape(1, 1, 4, 4), pool_param)
    >>> out[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    return max_pool("max_pool_forward_fast", x, pool_param)


def max_pool_backward_fast(dout: Array, cache: tuple[Any, ...]) -> Array:
    """Give each output's gradient to the entry that it was copied from.

    Of several largest entries the first in row-major order takes it: the course's
    fast version shares it out instead, its naive one does as is done here.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `max_pool_forward_fast`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the images.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout is no array of real numbers.
    CacheError
        Where cache is not from `max_pool_forward_fast`.

    Examples
    --------
    >>> import numpy as np
    >>> pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
    >>> out, cache = max_pool_forward_fast(np.ones((1, 1, 2, 2)), pool_param)
    >>> max_pool_backward_fast(np.array([[[[8.0]]]]), cache)[0, 0]
    array([[8., 0.],
           [0., 0.]])
    """
    return max_pool_gradient("max_pool_backward_fast", dout, cache)


conv_forward_im2col = conv_forward_fast
conv_backward_im2col = conv_backward_fast
conv_forward_strides = conv_forward_fast
conv_backward_strides = conv_backward_fast
max_pool_forward_im2col = max_pool_forward_fast
max_pool_backward_im2col = max_pool_backward_fast
max_pool_forward_reshape = max_pool_forward_fast
max_pool_backward_reshape = max_pool_backward_fast
