"""Activations, which work entry by entry, and dropout: the public functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.ops import OPS
from cnnpy.contract.options import flag
from cnnpy.contract.random import dropout_mask
from cnnpy.contract.validate import parse_options
from cnnpy.functional import call
from cnnpy.functional.call import Cache

__all__ = [
    "dropout_backward",
    "dropout_forward",
    "gelu_backward",
    "gelu_forward",
    "hard_swish_backward",
    "hard_swish_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "relu6_backward",
    "relu6_forward",
    "relu_backward",
    "relu_forward",
    "sigmoid_backward",
    "sigmoid_forward",
    "silu_backward",
    "silu_forward",
    "tanh_backward",
    "tanh_forward",
]


def relu_forward(x: FloatArray) -> tuple[FloatArray, Cache]:
    """Cut off what is negative: max(x, 0).

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        ``max(x, 0)``; NaN stays NaN.
    cache : Cache
        For `relu_backward`; it may hold a reference to x.

    Raises
    ------
    DtypeError
        Where x is not float32 or float64.

    References
    ----------
    .. [1] V. Nair, G. E. Hinton, "Rectified linear units improve restricted Boltzmann
       machines", ICML 2010.

    Examples
    --------
    >>> out, cache = relu_forward(np.array([-1.0, 0.0, 2.0]))
    >>> out
    array([0., 0., 2.])
    """
    return call.forward("relu", (x,), {})


def relu_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Let the gradient through where x was positive.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `relu_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `relu_forward`.

    Examples
    --------
    >>> out, cache = relu_forward(np.array([-1.0, 0.0, 2.0]))
    >>> relu_backward(np.ones_like(out), cache)
    array([0., 0., 1.])
    """
    dx: FloatArray = call.backward("relu", dout, cache)
    return dx


def relu6_forward(x: FloatArray) -> tuple[FloatArray, Cache]:
    """Cut off what is negative and what is above 6: min(max(x, 0), 6).

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        ``min(max(x, 0), 6)``; NaN stays NaN.
    cache : Cache
        For `relu6_backward`; it may hold a reference to x.

    Raises
    ------
    DtypeError
        Where x is not float32 or float64.

    References
    ----------
    .. [1] A. Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.
    .. [2] A. Howard et al., "MobileNets: efficient convolutional neural networks for
       mobile vision applications", arXiv:1704.04861, 2017.

    Examples
    --------
    >>> out, cache = relu6_forward(np.array([-1.0, 2.0, 8.0]))
    >>> out
    array([0., 2., 6.])
    """
    return call.forward("relu6", (x,), {})


def relu6_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Let the gradient through where x was between 0 and 6.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `relu6_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x: 0 at x = 0 and x = 6 too.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `relu6_forward`.

    Examples
    --------
    >>> out, cache = relu6_forward(np.array([-1.0, 2.0, 6.0, 8.0]))
    >>> relu6_backward(np.ones_like(out), cache)
    array([0., 1., 0., 0.])
    """
    dx: FloatArray = call.backward("relu6", dout, cache)
    return dx


def leaky_relu_forward(x: FloatArray, *, negative_slope: float = 0.01) -> tuple[FloatArray, Cache]:
    """Shrink what is negative by a slope.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        Entries.
    negative_slope : float
        Slope on the negative side.

    Returns
    -------
    out : ndarray of the shape of x
        ``x`` where x is positive, ``negative_slope * x`` elsewhere.
    cache : Cache
        For `leaky_relu_backward`; it may hold a reference to x.

    Raises
    ------
    DtypeError
        Where x is not float32 or float64.
    OptionError
        Where an option is out of its range.

    Examples
    --------
    >>> out, cache = leaky_relu_forward(np.array([-1.0, 0.0, 2.0]))
    >>> out
    array([-0.01,  0.  ,  2.  ])
    """
    return call.forward("leaky_relu", (x,), {"negative_slope": negative_slope})


def leaky_relu_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Let the gradient through, shrunk where x was not positive.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `leaky_relu_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `leaky_relu_forward`.

    Examples
    --------
    >>> out, cache = leaky_relu_forward(np.array([-1.0, 0.0, 2.0]))
    >>> leaky_relu_backward(np.ones_like(out), cache)
    array([0.01, 0.01, 1.  ])
    """
    dx: FloatArray = call.backward("leaky_relu", dout, cache)
    return dx


def sigmoid_forward(x: FloatArray) -> tuple[FloatArray, Cache]:
    """Squeeze each entry into (0, 1): 1/(1 + exp(-x)).

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        ``1 / (1 + exp(-x))``, without overflow.
    cache : Cache
        For `sigmoid_backward`; it may hold a reference to x.

    Raises
    ------
    DtypeError
        Where x is not float32 or float64.

    Examples
    --------
    >>> out, cache = sigmoid_forward(np.array([-1000.0, 0.0, 1000.0]))
    >>> out
    array([0. , 0.5, 1. ])
    """
    return call.forward("sigmoid", (x,), {})


def sigmoid_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Weigh the gradient with the slope s*(1 - s).

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `sigmoid_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `sigmoid_forward`.

    Examples
    --------
    >>> out, cache = sigmoid_forward(np.array([-1000.0, 0.0, 1000.0]))
    >>> sigmoid_backward(np.ones_like(out), cache)
    array([0.  , 0.25, 0.  ])
    """
    dx: FloatArray = call.backward("sigmoid", dout, cache)
    return dx


def tanh_forward(x: FloatArray) -> tuple[FloatArray, Cache]:
    """Squeeze each entry into (-1, 1).

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        ``tanh(x)``.
    cache : Cache
        For `tanh_backward`; it may hold a reference to x.

    Raises
    ------
    DtypeError
        Where x is not float32 or float64.

    Examples
    --------
    >>> out, cache = tanh_forward(np.array([-1000.0, 0.0, 1000.0]))
    >>> out
    array([-1.,  0.,  1.])
    """
    return call.forward("tanh", (x,), {})


def tanh_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Weigh the gradient with the slope 1 - tanh(x)**2.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `tanh_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `tanh_forward`.

    Examples
    --------
    >>> out, cache = tanh_forward(np.array([-1000.0, 0.0, 1000.0]))
    >>> tanh_backward(np.ones_like(out), cache)
    array([0., 1., 0.])
    """
    dx: FloatArray = call.backward("tanh", dout, cache)
    return dx


def gelu_forward(x: FloatArray, *, approximate: str = "none") -> tuple[FloatArray, Cache]:
    """Weigh each entry by the normal distribution's share below it.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        Entries.
    approximate : {"none", "tanh"}
        Phi by the error function, or by a hyperbolic tangent.

    Returns
    -------
    out : ndarray of the shape of x
        ``x * Phi(x)``, Phi the normal distribution function.
    cache : Cache
        For `gelu_backward`; it may hold a reference to x.

    Raises
    ------
    DtypeError
        Where x is not float32 or float64.
    OptionError
        Where an option is out of its range.

    References
    ----------
    .. [1] D. Hendrycks, K. Gimpel, "Gaussian error linear units", arXiv:1606.08415, 2016.

    Examples
    --------
    >>> out, cache = gelu_forward(np.array([0.0, 10.0]))
    >>> out
    array([ 0., 10.])
    """
    return call.forward("gelu", (x,), {"approximate": approximate})


def gelu_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Weigh the gradient with the slope Phi(x) + x*Phi'(x).

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `gelu_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `gelu_forward`.

    Examples
    --------
    >>> out, cache = gelu_forward(np.array([0.0, 10.0]))
    >>> gelu_backward(np.ones_like(out), cache)
    array([0.5, 1. ])
    """
    dx: FloatArray = call.backward("gelu", dout, cache)
    return dx


def silu_forward(x: FloatArray) -> tuple[FloatArray, Cache]:
    """Weigh each entry by its sigmoid.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        ``x * sigmoid(x)``.
    cache : Cache
        For `silu_backward`; it may hold a reference to x.

    Raises
    ------
    DtypeError
        Where x is not float32 or float64.

    References
    ----------
    .. [1] S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units", Neural
       Networks 107, 2018.

    Examples
    --------
    >>> out, cache = silu_forward(np.array([0.0, 1000.0]))
    >>> out
    array([   0., 1000.])
    """
    return call.forward("silu", (x,), {})


def silu_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Weigh the gradient with the slope s*(1 + x*(1 - s)).

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `silu_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `silu_forward`.

    Examples
    --------
    >>> out, cache = silu_forward(np.array([0.0, 1000.0]))
    >>> silu_backward(np.ones_like(out), cache)
    array([0.5, 1. ])
    """
    dx: FloatArray = call.backward("silu", dout, cache)
    return dx


def hard_swish_forward(x: FloatArray) -> tuple[FloatArray, Cache]:
    """Weigh each entry by a straight piece from 0 to 1.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        ``x * min(max(x + 3, 0), 6) / 6``.
    cache : Cache
        For `hard_swish_backward`; it may hold a reference to x.

    Raises
    ------
    DtypeError
        Where x is not float32 or float64.

    References
    ----------
    .. [1] A. Howard et al., "Searching for MobileNetV3", ICCV 2019.

    Examples
    --------
    >>> out, cache = hard_swish_forward(np.array([-4.0, 0.0, 4.0]))
    >>> out
    array([-0.,  0.,  4.])
    """
    return call.forward("hard_swish", (x,), {})


def hard_swish_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Weigh the gradient with 0, 1, or x/3 + 1/2 between -3 and 3.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `hard_swish_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `hard_swish_forward`.

    Examples
    --------
    >>> out, cache = hard_swish_forward(np.array([-4.0, 0.0, 4.0]))
    >>> hard_swish_backward(np.ones_like(out), cache)
    array([0. , 0.5, 1. ])
    """
    dx: FloatArray = call.backward("hard_swish", dout, cache)
    return dx


def dropout_forward(
    x: FloatArray,
    *,
    p: float = 0.5,
    train: bool = True,
    seed: int | np.random.Generator | None = None,
    mask: NDArray[np.bool_] | None = None,
) -> tuple[FloatArray, Cache]:
    """Drop entries at random and scale up those that stay.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        Entries.
    p : float
        Probability of being dropped, 0 to 1.
    train : bool
        False keeps every entry as it is.
    seed : int or numpy.random.Generator, optional
        An integer names one mask for good, on every backend and machine; a
        generator is drawn from.
    mask : ndarray of bool of the shape of x, optional
        True where an entry stays, in place of a drawn one.

    Returns
    -------
    out : ndarray of the shape of x
        ``x / (1 - p)`` where an entry stays, 0 elsewhere.
    cache : Cache
        For `dropout_backward`.

    Raises
    ------
    ShapeError
        Where the mask has another shape than x.
    DtypeError
        Where x is not float32 or float64, or the mask is not bool.
    OptionError
        Where p is not a probability, train not a bool, or seed none of what it may be.

    References
    ----------
    .. [1] N. Srivastava et al., "Dropout: a simple way to prevent neural networks
       from overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> keep = np.array([True, False, True])
    >>> out, cache = dropout_forward(np.array([1.0, 2.0, 3.0]), p=0.5, mask=keep)
    >>> out
    array([2., 0., 6.])
    """
    options = {"p": p}
    parse_options(OPS["dropout"], options)
    if not flag()("dropout", "train", train):
        mask = None
    elif mask is None and isinstance(x, np.ndarray | np.generic):
        mask = dropout_mask(x.shape, p, seed)
    return call.forward("dropout", (x,), options, {"mask": mask})


def dropout_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Let the gradient through where the entry stayed, scaled as it was.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `dropout_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `dropout_forward`.

    Examples
    --------
    >>> keep = np.array([True, False, True])
    >>> out, cache = dropout_forward(np.array([1.0, 2.0, 3.0]), p=0.5, mask=keep)
    >>> dropout_backward(np.ones(3), cache)
    array([2., 0., 2.])
    """
    dx: FloatArray = call.backward("dropout", dout, cache)
    return dx
