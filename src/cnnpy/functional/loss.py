"""Softmax and the losses: the public functions.

A loss is one number, the mean over the batch; its backward takes the gradient of
what is minimised with respect to that number, most often ``1.0``.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.functional import call
from cnnpy.functional.call import Cache

__all__ = [
    "hinge_backward",
    "hinge_forward",
    "log_softmax_backward",
    "log_softmax_forward",
    "mean_squared_error_backward",
    "mean_squared_error_forward",
    "softmax_backward",
    "softmax_cross_entropy_backward",
    "softmax_cross_entropy_forward",
    "softmax_forward",
]


def softmax_forward(x: FloatArray, *, axis: int = -1) -> tuple[FloatArray, Cache]:
    """Turn scores into probabilities that sum to one along an axis.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        Scores.
    axis : int
        The axis of the classes.

    Returns
    -------
    out : ndarray of the shape of x
        ``exp(x) / sum(exp(x))`` along the axis, without overflow.
    cache : Cache
        For `softmax_backward`.

    Raises
    ------
    ShapeError
        Where x has no such axis, or no entry along it.
    DtypeError
        Where x is not float32 or float64.
    OptionError
        Where axis is no integer.

    Examples
    --------
    >>> out, cache = softmax_forward(np.array([[1000.0, 1000.0, -1000.0]]))
    >>> out
    array([[0.5, 0.5, 0. ]])
    """
    return call.forward("softmax", (x,), {"axis": axis})


def softmax_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Send the gradient of the probabilities back to the scores.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `softmax_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of the scores.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `softmax_forward`.

    Examples
    --------
    >>> out, cache = softmax_forward(np.array([[0.0, 0.0]]))
    >>> softmax_backward(np.array([[1.0, 0.0]]), cache)
    array([[ 0.25, -0.25]])
    """
    dx: FloatArray = call.backward("softmax", dout, cache)
    return dx


def log_softmax_forward(x: FloatArray, *, axis: int = -1) -> tuple[FloatArray, Cache]:
    """Turn scores into logarithms of probabilities along an axis.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        Scores.
    axis : int
        The axis of the classes.

    Returns
    -------
    out : ndarray of the shape of x
        ``x - log(sum(exp(x)))`` along the axis, without overflow.
    cache : Cache
        For `log_softmax_backward`.

    Raises
    ------
    ShapeError
        Where x has no such axis, or no entry along it.
    DtypeError
        Where x is not float32 or float64.
    OptionError
        Where axis is no integer.

    Examples
    --------
    >>> out, cache = log_softmax_forward(np.array([[1000.0, -1000.0]]))
    >>> out
    array([[    0., -2000.]])
    """
    return call.forward("log_softmax", (x,), {"axis": axis})


def log_softmax_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Send the gradient of the logarithms back to the scores.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `log_softmax_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of the scores.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `log_softmax_forward`.

    Examples
    --------
    >>> out, cache = log_softmax_forward(np.array([[0.0, 0.0]]))
    >>> log_softmax_backward(np.array([[1.0, 0.0]]), cache)
    array([[ 0.5, -0.5]])
    """
    dx: FloatArray = call.backward("log_softmax", dout, cache)
    return dx


def softmax_cross_entropy_forward(
    x: FloatArray, target: NDArray[Any], *, label_smoothing: float = 0.0
) -> tuple[Any, Cache]:
    """Measure how surprised the scores are by the right class, on average.

    Parameters
    ----------
    x : ndarray of shape (N, K), float32 or float64
        Scores of K classes, before any softmax.
    target : ndarray of shape (N,) of integers, or (N, K) of the dtype of x
        Class indices, or wanted probabilities.
    label_smoothing : float
        Share of the wanted probability that is spread over all classes, 0 to 1.

    Returns
    -------
    loss : float32 or float64 scalar
        Mean over the images; NaN, as any mean, for an empty batch.
    cache : Cache
        For `softmax_cross_entropy_backward`.

    Raises
    ------
    ShapeError
        Where N or K differ.
    DtypeError
        Where x is not float32 or float64, or the target neither integer nor of the
        dtype of x.
    DataError
        Where a class index is not from 0 to K - 1.
    OptionError
        Where label_smoothing is not from 0 to 1.

    Examples
    --------
    >>> loss, cache = softmax_cross_entropy_forward(np.zeros((2, 4)), np.array([3, 0]))
    >>> print(f"{loss:.4f}")  # log 4
    1.3863
    """
    options = {"label_smoothing": label_smoothing}
    return call.forward("softmax_cross_entropy", (x, target), options)


def softmax_cross_entropy_backward(dout: FloatArray | float, cache: Cache) -> FloatArray:
    """Pull each probability towards the wanted one.

    Parameters
    ----------
    dout : float or ndarray of shape ()
        Gradient of what is minimised with respect to this loss, most often 1.0.
    cache : Cache
        From `softmax_cross_entropy_forward`.

    Returns
    -------
    ndarray of shape (N, K)
        Gradient of the scores.

    Raises
    ------
    ShapeError
        Where dout is not one number.
    DtypeError
        Where dout is no number.
    CacheError
        Where cache is not from `softmax_cross_entropy_forward`.

    Examples
    --------
    >>> loss, cache = softmax_cross_entropy_forward(np.zeros((1, 4)), np.array([3]))
    >>> softmax_cross_entropy_backward(1.0, cache)
    array([[ 0.25,  0.25,  0.25, -0.75]])
    """
    dx: FloatArray = call.backward("softmax_cross_entropy", dout, cache)
    return dx


def hinge_forward(x: FloatArray, target: NDArray[Any]) -> tuple[Any, Cache]:
    """Charge each class whose score comes within 1 of the right one's.

    Parameters
    ----------
    x : ndarray of shape (N, K), float32 or float64
        Scores of K classes.
    target : ndarray of shape (N,) of integers
        Class indices.

    Returns
    -------
    loss : float32 or float64 scalar
        ``max(0, x[k] - x[target] + 1)``, a sum over the other classes, a mean over the
        images; NaN for an empty batch.
    cache : Cache
        For `hinge_backward`; it holds references to x and target.

    Raises
    ------
    ShapeError
        Where N differs.
    DtypeError
        Where x is not float32 or float64, or the target not integer.
    DataError
        Where a class index is not from 0 to K - 1.

    References
    ----------
    .. [1] J. Weston, C. Watkins, "Support vector machines for multi-class pattern
       recognition", ESANN 1999.

    Examples
    --------
    >>> loss, cache = hinge_forward(np.array([[2.0, 1.5, 0.0]]), np.array([0]))
    >>> float(loss)
    0.5
    """
    return call.forward("hinge", (x, target), {})


def hinge_backward(dout: FloatArray | float, cache: Cache) -> FloatArray:
    """Push down each class that was charged, and the right one up as often.

    Parameters
    ----------
    dout : float or ndarray of shape ()
        Gradient of what is minimised with respect to this loss, most often 1.0.
    cache : Cache
        From `hinge_forward`.

    Returns
    -------
    ndarray of shape (N, K)
        Gradient of the scores.

    Raises
    ------
    ShapeError
        Where dout is not one number.
    DtypeError
        Where dout is no number.
    CacheError
        Where cache is not from `hinge_forward`.

    Examples
    --------
    >>> loss, cache = hinge_forward(np.array([[2.0, 1.5, 0.0]]), np.array([0]))
    >>> hinge_backward(1.0, cache)
    array([[-1.,  1.,  0.]])
    """
    dx: FloatArray = call.backward("hinge", dout, cache)
    return dx


def mean_squared_error_forward(x: FloatArray, target: FloatArray) -> tuple[Any, Cache]:
    """Average the squared differences over all entries.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        What came out.
    target : ndarray of the shape and dtype of x
        What was wanted.

    Returns
    -------
    loss : float32 or float64 scalar
        The mean; NaN for no entries.
    cache : Cache
        For `mean_squared_error_backward`; it may hold references to x and target.

    Raises
    ------
    ShapeError
        Where the shapes differ: nothing is broadcast.
    DtypeError
        Where an array is not float32 or float64, or dtypes are mixed.

    Examples
    --------
    >>> loss, cache = mean_squared_error_forward(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
    >>> float(loss)
    2.5
    """
    return call.forward("mean_squared_error", (x, target), {})


def mean_squared_error_backward(dout: FloatArray | float, cache: Cache) -> FloatArray:
    """Pull each entry towards what was wanted.

    Parameters
    ----------
    dout : float or ndarray of shape ()
        Gradient of what is minimised with respect to this loss, most often 1.0.
    cache : Cache
        From `mean_squared_error_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.

    Raises
    ------
    ShapeError
        Where dout is not one number.
    DtypeError
        Where dout is no number.
    CacheError
        Where cache is not from `mean_squared_error_forward`.

    Examples
    --------
    >>> loss, cache = mean_squared_error_forward(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
    >>> mean_squared_error_backward(1.0, cache)
    array([ 1., -2.])
    """
    dx: FloatArray = call.backward("mean_squared_error", dout, cache)
    return dx
