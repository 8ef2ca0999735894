"""Pooling: the public functions."""

from __future__ import annotations

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.functional import call
from cnnpy.functional.call import Cache

__all__ = [
    "avg_pool2d_backward",
    "avg_pool2d_forward",
    "global_avg_pool2d_backward",
    "global_avg_pool2d_forward",
    "max_pool2d_backward",
    "max_pool2d_forward",
]


def max_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[FloatArray, Cache]:
    """Keep the largest entry of each window.

    Padding widens the places of the windows and never wins. NaN wins.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W), float32 or float64
        Images.
    kernel_size : int or (int, int)
        The window (HH, WW).
    stride : int or (int, int), optional
        Pixels from window to window; the window itself by default.
    padding : int or (int, int)
        At most half the window, along H and W.

    Returns
    -------
    out : ndarray of shape (N, C, H_out, W_out)
        ``H_out = 1 + (H + 2*padding - HH) // stride``, W_out alike.
    cache : Cache
        For `max_pool2d_backward`.

    Raises
    ------
    ShapeError
        Where the window does not fit, or the padding is over half of it.
    DtypeError
        Where x is not float32 or float64.
    OptionError
        Where an option is out of its range.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 5.0], [4.0, 3.0, 0.0], [0.0, 0.0, 1.0]])[None, None]
    >>> out, cache = max_pool2d_forward(x, kernel_size=2, stride=1)
    >>> out[0, 0]
    array([[4., 5.],
           [4., 3.]])
    """
    options = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    return call.forward("max_pool2d", (x,), options)


def max_pool2d_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Give each output's gradient to the entry that it was copied from.

    Of several largest entries the first in row-major order takes it, as in PyTorch
    and cuDNN. Where windows overlap, an entry collects a sum.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : Cache
        From `max_pool2d_forward`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the images.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `max_pool2d_forward`.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 5.0], [4.0, 3.0, 0.0], [0.0, 0.0, 1.0]])[None, None]
    >>> out, cache = max_pool2d_forward(x, kernel_size=2, stride=1)
    >>> max_pool2d_backward(np.ones_like(out), cache)[0, 0]
    array([[0., 0., 1.],
           [2., 1., 0.],
           [0., 0., 0.]])
    """
    dx: FloatArray = call.backward("max_pool2d", dout, cache)
    return dx


def avg_pool2d_forward(
    x: FloatArray,
    *,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    count_include_pad: bool = True,
) -> tuple[FloatArray, Cache]:
    """Keep the mean of each window: the mean pooling.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W), float32 or float64
        Images.
    kernel_size : int or (int, int)
        The window (HH, WW).
    stride : int or (int, int), optional
        Pixels from window to window; the window itself by default.
    padding : int or (int, int)
        At most half the window, along H and W.
    count_include_pad : bool
        Whether the padding counts into the mean, as zeros.

    Returns
    -------
    out : ndarray of shape (N, C, H_out, W_out)
        ``H_out = 1 + (H + 2*padding - HH) // stride``, W_out alike.
    cache : Cache
        For `avg_pool2d_backward`.

    Raises
    ------
    ShapeError
        Where the window does not fit, or the padding is over half of it.
    DtypeError
        Where x is not float32 or float64.
    OptionError
        Where an option is out of its range.

    Examples
    --------
    >>> out, cache = avg_pool2d_forward(np.arange(16.0).reshape(1, 1, 4, 4), kernel_size=2)
    >>> out[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    options = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "count_include_pad": count_include_pad,
    }
    return call.forward("avg_pool2d", (x,), options)


def avg_pool2d_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Share each output's gradient out equally over its window.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : Cache
        From `avg_pool2d_forward`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the images.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `avg_pool2d_forward`.

    Examples
    --------
    >>> out, cache = avg_pool2d_forward(np.ones((1, 1, 2, 2)), kernel_size=2)
    >>> avg_pool2d_backward(np.array([[[[8.0]]]]), cache)[0, 0]
    array([[2., 2.],
           [2., 2.]])
    """
    dx: FloatArray = call.backward("avg_pool2d", dout, cache)
    return dx


def global_avg_pool2d_forward(x: FloatArray) -> tuple[FloatArray, Cache]:
    """Keep the mean of each channel.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W), float32 or float64
        Images.

    Returns
    -------
    out : ndarray of shape (N, C, 1, 1)
        The means.
    cache : Cache
        For `global_avg_pool2d_backward`.

    Raises
    ------
    ShapeError
        Where the images have no pixel.
    DtypeError
        Where x is not float32 or float64.

    References
    ----------
    .. [1] M. Lin, Q. Chen, S. Yan, "Network in network", ICLR 2014.

    Examples
    --------
    >>> out, cache = global_avg_pool2d_forward(np.arange(16.0).reshape(1, 1, 4, 4))
    >>> out
    array([[[[7.5]]]])
    """
    return call.forward("global_avg_pool2d", (x,), {})


def global_avg_pool2d_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Share each channel's gradient out equally over its pixels.

    Parameters
    ----------
    dout : ndarray of shape (N, C, 1, 1)
        Gradient of the loss with respect to the output.
    cache : Cache
        From `global_avg_pool2d_forward`.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient of the images.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `global_avg_pool2d_forward`.

    Examples
    --------
    >>> out, cache = global_avg_pool2d_forward(np.ones((1, 1, 2, 2)))
    >>> global_avg_pool2d_backward(np.array([[[[8.0]]]]), cache)[0, 0]
    array([[2., 2.],
           [2., 2.]])
    """
    dx: FloatArray = call.backward("global_avg_pool2d", dout, cache)
    return dx
