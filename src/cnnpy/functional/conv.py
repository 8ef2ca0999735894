"""Convolution and its adjoint: the public functions."""

from __future__ import annotations

from collections.abc import Sequence

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair
from cnnpy.functional import call
from cnnpy.functional.call import Cache

__all__ = [
    "conv2d_backward",
    "conv2d_forward",
    "conv_transpose2d_backward",
    "conv_transpose2d_forward",
]

Gradients = tuple[FloatArray | None, FloatArray | None, FloatArray | None]


def conv2d_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
    algorithm: str = "auto",
) -> tuple[FloatArray, Cache]:
    """Slide filters over images and sum the products.

    The filters are not turned round (a cross-correlation, as everywhere in deep
    learning). Costs ``2*C/groups*HH*WW`` FLOPs for each output.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W), float32 or float64
        Images.
    w : ndarray of shape (F, C/groups, HH, WW), of the dtype of x
        Filters.
    b : ndarray of shape (F,), optional
        Biases.
    stride : int or (int, int)
        Pixels from window to window, along H and W.
    padding : int or (int, int)
        Zeros added on either side, along H and W.
    dilation : int or (int, int)
        Pixels from one filter entry to the next, along H and W.
    groups : int
        Parts into which C and F are cut, and which do not see each other.
    algorithm : {"auto", "direct", "winograd"}
        How it is computed, both passes: "winograd" takes fewer multiplications for 3x3
        and 5x5 filters at stride 1 and rounds more coarsely (its tolerance is a row of the
        contract), "auto" chooses by the shape alone; forward in float32 it may take
        Winograd's filtering along the rows too, for windows from 3 to 7 strides wide, with
        the same tolerance. Only the native backend has a choice.

    Returns
    -------
    out : ndarray of shape (N, F, H_out, W_out)
        ``H_out = 1 + (H + 2*padding - dilation*(HH - 1) - 1) // stride``, W_out alike.
    cache : Cache
        For `conv2d_backward`; it holds references to x and w.

    Raises
    ------
    ShapeError
        Where C differs, groups do not divide, or the window does not fit.
    DtypeError
        Where an array is not float32 or float64, or dtypes are mixed.
    OptionError
        Where an option is out of its range, or the algorithm is not for this shape.

    References
    ----------
    .. [1] V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep
       learning", arXiv:1603.07285, 2016.
    .. [2] A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks",
       CVPR 2016.

    Examples
    --------
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> out, cache = conv2d_forward(x, np.ones((1, 1, 3, 3)))
    >>> out[0, 0]
    array([[45., 54.],
           [81., 90.]])
    """
    options = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "algorithm": algorithm,
    }
    return call.forward("conv2d", (x, w, b), options)


def conv2d_backward(
    dout: FloatArray, cache: Cache, *, needs: Sequence[str] | None = None
) -> Gradients:
    """Compute the gradients of a convolution's images, filters and biases.

    Each of dx and dw costs as many FLOPs as forward.

    Parameters
    ----------
    dout : ndarray of shape (N, F, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : Cache
        From `conv2d_forward`.
    needs : sequence of str, optional
        Which of ``"x"``, ``"w"``, ``"b"`` to compute; all by default.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W) or None
        Gradient of the images.
    dw : ndarray of shape (F, C/groups, HH, WW) or None
        Gradient of the filters.
    db : ndarray of shape (F,) or None
        Gradient of the biases; None where there were none.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `conv2d_forward`.
    OptionError
        Where `needs` names no input.

    Examples
    --------
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> out, cache = conv2d_forward(x, np.ones((1, 1, 3, 3)))
    >>> dx, dw, db = conv2d_backward(np.ones_like(out), cache)
    >>> dx[0, 0]
    array([[1., 2., 2., 1.],
           [2., 4., 4., 2.],
           [2., 4., 4., 2.],
           [1., 2., 2., 1.]])
    """
    gradients: Gradients = call.backward("conv2d", dout, cache, needs)
    return gradients


def conv_transpose2d_forward(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[FloatArray, Cache]:
    """Spread each pixel over a filter's window: the adjoint of conv2d.

    Costs ``2*F/groups*HH*WW`` FLOPs for each input.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W), float32 or float64
        Images.
    w : ndarray of shape (C, F/groups, HH, WW), of the dtype of x
        Filters.
    b : ndarray of shape (F,), optional
        Biases.
    stride : int or (int, int)
        Pixels from window to window of the output, along H and W.
    padding : int or (int, int)
        Pixels cut off each side of the output, along H and W.
    output_padding : int or (int, int)
        Pixels added at the bottom and right of the output, less than the stride or
        the dilation: which of the sizes that conv2d rounds down to H is wanted.
    dilation : int or (int, int)
        Pixels from one filter entry to the next, along H and W.
    groups : int
        Parts into which C and F are cut, and which do not see each other.

    Returns
    -------
    out : ndarray of shape (N, F, H_out, W_out)
        ``H_out = (H - 1)*stride - 2*padding + dilation*(HH - 1) + output_padding + 1``.
    cache : Cache
        For `conv_transpose2d_backward`; it holds references to x and w.

    Raises
    ------
    ShapeError
        Where C differs, groups do not divide, or nothing is left of the output.
    DtypeError
        Where an array is not float32 or float64, or dtypes are mixed.
    OptionError
        Where an option is out of its range.

    References
    ----------
    .. [1] V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep
       learning", arXiv:1603.07285, 2016.

    Examples
    --------
    >>> out, cache = conv_transpose2d_forward(
    ...     np.array([[[[1.0, 2.0]]]]), np.ones((1, 1, 2, 2)), stride=2
    ... )
    >>> out[0, 0]
    array([[1., 1., 2., 2.],
           [1., 1., 2., 2.]])
    """
    options = {
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "dilation": dilation,
        "groups": groups,
    }
    return call.forward("conv_transpose2d", (x, w, b), options)


def conv_transpose2d_backward(
    dout: FloatArray, cache: Cache, *, needs: Sequence[str] | None = None
) -> Gradients:
    """Compute the gradients of a transposed convolution's inputs.

    Parameters
    ----------
    dout : ndarray of shape (N, F, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : Cache
        From `conv_transpose2d_forward`.
    needs : sequence of str, optional
        Which of ``"x"``, ``"w"``, ``"b"`` to compute; all by default.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W) or None
        Gradient of the images.
    dw : ndarray of shape (C, F/groups, HH, WW) or None
        Gradient of the filters.
    db : ndarray of shape (F,) or None
        Gradient of the biases; None where there were none.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `conv_transpose2d_forward`.
    OptionError
        Where `needs` names no input.

    Examples
    --------
    >>> out, cache = conv_transpose2d_forward(
    ...     np.array([[[[1.0, 2.0]]]]), np.ones((1, 1, 2, 2)), stride=2
    ... )
    >>> dx, dw, db = conv_transpose2d_backward(np.ones_like(out), cache)
    >>> dx
    array([[[[4., 4.]]]])
    """
    gradients: Gradients = call.backward("conv_transpose2d", dout, cache, needs)
    return gradients
