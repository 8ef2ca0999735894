"""The course's sandwiches: layers that are often used one after the other.

As in the course, everything in `layers` and `fast_layers` can be imported from here
too.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from numpy.typing import NDArray

from cnnpy.cs231n import fast_layers as _fast_layers
from cnnpy.cs231n import layers as _layers
from cnnpy.cs231n.fast_layers import *  # noqa: F403
from cnnpy.cs231n.fast_layers import (
    conv_backward_fast,
    conv_forward_fast,
    max_pool_backward_fast,
    max_pool_forward_fast,
)
from cnnpy.cs231n.layers import *  # noqa: F403
from cnnpy.cs231n.layers import (
    affine_backward,
    affine_forward,
    relu_backward,
    relu_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
)

__all__ = [
    "affine_relu_backward",
    "affine_relu_forward",
    "conv_bn_relu_backward",
    "conv_bn_relu_forward",
    "conv_relu_backward",
    "conv_relu_forward",
    "conv_relu_pool_backward",
    "conv_relu_pool_forward",
]
__all__ += _layers.__all__
__all__ += _fast_layers.__all__

Array = NDArray[Any]
Parameters = Mapping[str, Any]


def affine_relu_forward(x: Array, w: Array, b: Array) -> tuple[Array, tuple[Any, ...]]:
    """Run an affine layer, then ReLU.

    Parameters
    ----------
    x : ndarray of shape (N, d_1, ..., d_k)
        Inputs.
    w : ndarray of shape (D, M)
        Weights.
    b : ndarray of shape (M,)
        Biases.

    Returns
    -------
    out : ndarray of shape (N, M)
        The output of ReLU.
    cache : tuple
        For `affine_relu_backward`.

    Raises
    ------
    ShapeError, DtypeError
        As `affine_forward`.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = affine_relu_forward(np.array([[1.0, 2.0]]), np.eye(2), np.array([-1, -3]))
    >>> out
    array([[0., 0.]])
    """
    a, affine_cache = affine_forward(x, w, b)
    out, relu_cache = relu_forward(a)
    return out, (affine_cache, relu_cache)


def affine_relu_backward(dout: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute the gradients of affine and ReLU.

    Parameters
    ----------
    dout : ndarray of shape (N, M)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `affine_relu_forward`.

    Returns
    -------
    dx, dw, db : ndarray
        Gradients of the inputs, weights and biases, each of its shape.

    Raises
    ------
    ShapeError, DtypeError, CacheError
        As `affine_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = affine_relu_forward(np.array([[1.0, 2.0]]), np.eye(2), np.array([-3, 0]))
    >>> dx, dw, db = affine_relu_backward(np.ones((1, 2)), cache)
    >>> dx
    array([[0., 1.]])
    """
    affine_cache, relu_cache = cache
    return affine_backward(relu_backward(dout, relu_cache), affine_cache)


def conv_relu_forward(
    x: Array, w: Array, b: Array, conv_param: Parameters
) -> tuple[Array, tuple[Any, ...]]:
    """Run a convolution, then ReLU.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    w : ndarray of shape (F, C, HH, WW)
        Filters.
    b : ndarray of shape (F,)
        Biases.
    conv_param : dict
        ``"stride"`` and ``"pad"``.

    Returns
    -------
    out : ndarray of shape (N, F, H_out, W_out)
        The output of ReLU.
    cache : tuple
        For `conv_relu_backward`.

    Raises
    ------
    ShapeError, DtypeError, OptionError
        As `conv_forward_fast`.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[[[1.0, -1.0]]]]), np.ones((1, 1, 1, 1))
    >>> out, cache = conv_relu_forward(x, w, np.array([0]), {"stride": 1, "pad": 0})
    >>> out
    array([[[[1., 0.]]]])
    """
    a, conv_cache = conv_forward_fast(x, w, b, conv_param)
    out, relu_cache = relu_forward(a)
    return out, (conv_cache, relu_cache)


def conv_relu_backward(dout: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute the gradients of convolution and ReLU.

    Parameters
    ----------
    dout : ndarray of shape (N, F, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `conv_relu_forward`.

    Returns
    -------
    dx, dw, db : ndarray
        Gradients of the images, filters and biases, each of its shape.

    Raises
    ------
    ShapeError, DtypeError, CacheError
        As `conv_backward_fast`.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[[[1.0, -1.0]]]]), np.full((1, 1, 1, 1), 3.0)
    >>> out, cache = conv_relu_forward(x, w, np.array([0]), {"stride": 1, "pad": 0})
    >>> dx, dw, db = conv_relu_backward(np.ones_like(out), cache)
    >>> dx, db
    (array([[[[3., 0.]]]]), array([1.]))
    """
    conv_cache, relu_cache = cache
    return conv_backward_fast(relu_backward(dout, relu_cache), conv_cache)


def conv_bn_relu_forward(
    x: Array,
    w: Array,
    b: Array,
    gamma: Array,
    beta: Array,
    conv_param: Parameters,
    bn_param: MutableMapping[str, Any],
) -> tuple[Array, tuple[Any, ...]]:
    """Run a convolution, a spatial batch normalisation, then ReLU.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    w : ndarray of shape (F, C, HH, WW)
        Filters.
    b, gamma, beta : ndarray of shape (F,)
        Biases, scale and shift.
    conv_param : dict
        ``"stride"`` and ``"pad"``.
    bn_param : dict
        As for `batchnorm_forward`.

    Returns
    -------
    out : ndarray of shape (N, F, H_out, W_out)
        The output of ReLU.
    cache : tuple
        For `conv_bn_relu_backward`.

    Raises
    ------
    ShapeError, DtypeError, OptionError
        As `conv_forward_fast` and `spatial_batchnorm_forward`.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[[[2.0, 0.0]]]]), np.ones((1, 1, 1, 1))
    >>> one, zero = np.ones(1), np.zeros(1)
    >>> bn_param = {"mode": "train", "eps": 1e-12}
    >>> out, cache = conv_bn_relu_forward(
    ...     x, w, zero, one, zero, {"stride": 1, "pad": 0}, bn_param
    ... )
    >>> out
    array([[[[1., 0.]]]])
    """
    a, conv_cache = conv_forward_fast(x, w, b, conv_param)
    normed, bn_cache = spatial_batchnorm_forward(a, gamma, beta, bn_param)
    out, relu_cache = relu_forward(normed)
    return out, (conv_cache, bn_cache, relu_cache)


def conv_bn_relu_backward(
    dout: Array, cache: tuple[Any, ...]
) -> tuple[Array, Array, Array, Array, Array]:
    """Compute the gradients of convolution, batch normalisation and ReLU.

    Parameters
    ----------
    dout : ndarray of shape (N, F, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `conv_bn_relu_forward`.

    Returns
    -------
    dx, dw, db, dgamma, dbeta : ndarray
        Gradients of the images, filters, biases, scale and shift, each of its shape.

    Raises
    ------
    ShapeError, DtypeError, CacheError
        As `conv_backward_fast`.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[[[2.0, 0.0]]]]), np.ones((1, 1, 1, 1))
    >>> one, zero = np.ones(1), np.zeros(1)
    >>> out, cache = conv_bn_relu_forward(
    ...     x, w, zero, one, zero, {"stride": 1, "pad": 0}, {"mode": "train"}
    ... )
    >>> dx, dw, db, dgamma, dbeta = conv_bn_relu_backward(np.ones_like(out), cache)
    >>> dbeta
    array([1.])
    """
    conv_cache, bn_cache, relu_cache = cache
    dnormed = relu_backward(dout, relu_cache)
    da, dgamma, dbeta = spatial_batchnorm_backward(dnormed, bn_cache)
    dx, dw, db = conv_backward_fast(da, conv_cache)
    return dx, dw, db, dgamma, dbeta


def conv_relu_pool_forward(
    x: Array, w: Array, b: Array, conv_param: Parameters, pool_param: Parameters
) -> tuple[Array, tuple[Any, ...]]:
    """Run a convolution, ReLU, then a max pooling.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    w : ndarray of shape (F, C, HH, WW)
        Filters.
    b : ndarray of shape (F,)
        Biases.
    conv_param : dict
        ``"stride"`` and ``"pad"``.
    pool_param : dict
        ``"pool_height"``, ``"pool_width"`` and ``"stride"``.

    Returns
    -------
    out : ndarray of shape (N, F, H_out, W_out)
        The output of the pooling.
    cache : tuple
        For `conv_relu_pool_backward`.

    Raises
    ------
    ShapeError, DtypeError, OptionError
        As `conv_forward_fast` and `max_pool_forward_fast`.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[[[1.0, -1.0], [2.0, 0.0]]]]), np.ones((1, 1, 1, 1))
    >>> pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
    >>> out, cache = conv_relu_pool_forward(
    ...     x, w, np.array([0]), {"stride": 1, "pad": 0}, pool_param
    ... )
    >>> out
    array([[[[2.]]]])
    """
    a, conv_cache = conv_forward_fast(x, w, b, conv_param)
    r, relu_cache = relu_forward(a)
    out, pool_cache = max_pool_forward_fast(r, pool_param)
    return out, (conv_cache, relu_cache, pool_cache)


def conv_relu_pool_backward(dout: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute the gradients of convolution, ReLU and max pooling.

    Parameters
    ----------
    dout : ndarray of shape (N, F, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `conv_relu_pool_forward`.

    Returns
    -------
    dx, dw, db : ndarray
        Gradients of the images, filters and biases, each of its shape.

    Raises
    ------
    ShapeError, DtypeError, CacheError
        As `conv_backward_fast`.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[[[1.0, -1.0], [2.0, 0.0]]]]), np.ones((1, 1, 1, 1))
    >>> pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
    >>> out, cache = conv_relu_pool_forward(
    ...     x, w, np.array([0]), {"stride": 1, "pad": 0}, pool_param
    ... )
    >>> dx, dw, db = conv_relu_pool_backward(np.ones_like(out), cache)
    >>> dx[0, 0]
    array([[0., 0.],
           [1., 0.]])
    """
    conv_cache, relu_cache, pool_cache = cache
    da = relu_backward(max_pool_backward_fast(dout, pool_cache), relu_cache)
    return conv_backward_fast(da, conv_cache)
