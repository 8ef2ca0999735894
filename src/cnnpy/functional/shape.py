"""Ops that move, join and repeat entries: the public functions."""

from __future__ import annotations

from collections.abc import Sequence

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair, Sides
from cnnpy.functional import call
from cnnpy.functional.call import Cache

__all__ = [
    "add_backward",
    "add_forward",
    "concat_backward",
    "concat_forward",
    "pad2d_backward",
    "pad2d_forward",
    "upsample_nearest2d_backward",
    "upsample_nearest2d_forward",
]


def add_forward(x: FloatArray, y: FloatArray) -> tuple[FloatArray, Cache]:
    """Add two arrays of one shape: where a residual block comes together.

    Parameters
    ----------
    x, y : ndarray of one shape and dtype, float32 or float64
        What is added.

    Returns
    -------
    out : ndarray of the shape of x
        The sum.
    cache : Cache
        For `add_backward`.

    Raises
    ------
    ShapeError
        Where the shapes differ: nothing is broadcast.
    DtypeError
        Where an array is not float32 or float64, or dtypes are mixed.

    Examples
    --------
    >>> out, cache = add_forward(np.array([1.0, 2.0]), np.array([10.0, 20.0]))
    >>> out
    array([11., 22.])
    """
    return call.forward("add", (x, y), {})


def add_backward(
    dout: FloatArray, cache: Cache, *, needs: Sequence[str] | None = None
) -> tuple[FloatArray | None, FloatArray | None]:
    """Hand the gradient to both.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `add_forward`.
    needs : sequence of str, optional
        Which of ``"x"``, ``"y"`` to compute; both by default.

    Returns
    -------
    dx, dy : ndarray of the shape of x, or None
        Gradients of both, each an array of its own.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `add_forward`.
    OptionError
        Where `needs` names no input.

    Examples
    --------
    >>> out, cache = add_forward(np.array([1.0, 2.0]), np.array([10.0, 20.0]))
    >>> add_backward(np.array([1.0, 5.0]), cache)
    (array([1., 5.]), array([1., 5.]))
    """
    gradients: tuple[FloatArray | None, FloatArray | None]
    gradients = call.backward("add", dout, cache, needs)
    return gradients


def concat_forward(xs: Sequence[FloatArray], *, axis: int = 1) -> tuple[FloatArray, Cache]:
    """Lay arrays one behind the other along an axis.

    Parameters
    ----------
    xs : list of ndarray, float32 or float64
        Of one dtype, and of shapes that differ along `axis` only.
    axis : int
        The axis.

    Returns
    -------
    out : ndarray
        All of them.
    cache : Cache
        For `concat_backward`.

    Raises
    ------
    ShapeError
        Where the list is empty, or the shapes differ along another axis.
    DtypeError
        Where an array is not float32 or float64, or dtypes are mixed.
    OptionError
        Where axis is no integer.

    Examples
    --------
    >>> out, cache = concat_forward([np.zeros((2, 3, 4, 4)), np.ones((2, 5, 4, 4))])
    >>> out.shape
    (2, 8, 4, 4)
    """
    return call.forward("concat", (xs,), {"axis": axis})


def concat_backward(dout: FloatArray, cache: Cache) -> list[FloatArray]:
    """Cut the gradient into the parts that the arrays filled.

    Parameters
    ----------
    dout : ndarray of the shape of the output
        Gradient of the loss with respect to the output.
    cache : Cache
        From `concat_forward`.

    Returns
    -------
    list of ndarray
        One gradient for each array.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `concat_forward`.

    Examples
    --------
    >>> out, cache = concat_forward([np.zeros((1, 1)), np.zeros((1, 2))])
    >>> concat_backward(np.array([[1.0, 2.0, 3.0]]), cache)
    [array([[1.]]), array([[2., 3.]])]
    """
    gradients: list[FloatArray] = call.backward("concat", dout, cache)
    return gradients


def pad2d_forward(
    x: FloatArray,
    *,
    padding: int | Pair | Sides,
    mode: str = "constant",
    value: float = 0.0,
) -> tuple[FloatArray, Cache]:
    """Surround images with a border.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W), float32 or float64
        Images.
    padding : int, (int, int) or (int, int, int, int)
        All sides, (along H, along W), or (top, bottom, left, right), in pixels.
    mode : {"constant", "reflect", "replicate", "circular"}
        Made of `value`; of the image mirrored at its edge pixel; of its edge pixels
        repeated; of its other end.
    value : float
        The border's value with mode "constant".

    Returns
    -------
    out : ndarray of shape (N, C, top + H + bottom, left + W + right)
        The images with their borders.
    cache : Cache
        For `pad2d_backward`.

    Raises
    ------
    ShapeError
        Where the image is too small to be mirrored or gone round.
    DtypeError
        Where x is not float32 or float64.
    OptionError
        Where an option is out of its range.

    Examples
    --------
    >>> x = np.array([[[[1.0, 2.0, 3.0]]]])
    >>> out, cache = pad2d_forward(x, padding=(0, 0, 2, 1), mode="reflect")
    >>> out
    array([[[[3., 2., 1., 2., 3., 2.]]]])
    """
    options = {"padding": padding, "mode": mode, "value": value}
    return call.forward("pad2d", (x,), options)


def pad2d_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Give each border pixel's gradient back to its source.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : Cache
        From `pad2d_forward`.

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
        Where cache is not from `pad2d_forward`.

    Examples
    --------
    >>> x = np.array([[[[1.0, 2.0, 3.0]]]])
    >>> out, cache = pad2d_forward(x, padding=(0, 0, 2, 1), mode="reflect")
    >>> pad2d_backward(np.ones_like(out), cache)
    array([[[[1., 3., 2.]]]])
    """
    dx: FloatArray = call.backward("pad2d", dout, cache)
    return dx


def upsample_nearest2d_forward(
    x: FloatArray, *, scale_factor: int | Pair
) -> tuple[FloatArray, Cache]:
    """Repeat each pixel along both axes.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W), float32 or float64
        Images.
    scale_factor : int or (int, int)
        Repetitions along H and W.

    Returns
    -------
    out : ndarray of shape (N, C, H*scale_h, W*scale_w)
        The larger images.
    cache : Cache
        For `upsample_nearest2d_backward`.

    Raises
    ------
    ShapeError
        Where x has not four axes.
    DtypeError
        Where x is not float32 or float64.
    OptionError
        Where scale_factor is out of its range.

    Examples
    --------
    >>> out, cache = upsample_nearest2d_forward(np.array([[[[1.0, 2.0]]]]), scale_factor=2)
    >>> out[0, 0]
    array([[1., 1., 2., 2.],
           [1., 1., 2., 2.]])
    """
    return call.forward("upsample_nearest2d", (x,), {"scale_factor": scale_factor})


def upsample_nearest2d_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Add up the gradients of each pixel's block.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H*scale_h, W*scale_w)
        Gradient of the loss with respect to the output.
    cache : Cache
        From `upsample_nearest2d_forward`.

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
        Where cache is not from `upsample_nearest2d_forward`.

    Examples
    --------
    >>> out, cache = upsample_nearest2d_forward(np.array([[[[1.0, 2.0]]]]), scale_factor=2)
    >>> upsample_nearest2d_backward(np.ones_like(out), cache)
    array([[[[4., 4.]]]])
    """
    dx: FloatArray = call.backward("upsample_nearest2d", dout, cache)
    return dx
