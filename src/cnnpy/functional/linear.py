"""The fully connected layer, and the flattening before it: the public functions."""

from __future__ import annotations

from collections.abc import Sequence

from cnnpy.contract.dtypes import FloatArray
from cnnpy.functional import call
from cnnpy.functional.call import Cache

__all__ = ["flatten_backward", "flatten_forward", "linear_backward", "linear_forward"]

Gradients = tuple[FloatArray | None, FloatArray | None, FloatArray | None]


def linear_forward(
    x: FloatArray, w: FloatArray, b: FloatArray | None = None
) -> tuple[FloatArray, Cache]:
    """Weigh all features for each output: ``x @ w.T + b``.

    Costs ``2*D`` FLOPs for each output.

    Parameters
    ----------
    x : ndarray of shape (N, D), float32 or float64
        Features.
    w : ndarray of shape (M, D), of the dtype of x
        One row of weights for each output.
    b : ndarray of shape (M,), optional
        Biases.

    Returns
    -------
    out : ndarray of shape (N, M)
        The weighted sums.
    cache : Cache
        For `linear_backward`; it holds references to x and w.

    Raises
    ------
    ShapeError
        Where D or M differ.
    DtypeError
        Where an array is not float32 or float64, or dtypes are mixed.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0]])
    >>> out, cache = linear_forward(x, np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([0.5, 0.0]))
    >>> out
    array([[11.5, 17. ]])
    """
    return call.forward("linear", (x, w, b), {})


def linear_backward(
    dout: FloatArray, cache: Cache, *, needs: Sequence[str] | None = None
) -> Gradients:
    """Compute the gradients of the features, weights and biases.

    Parameters
    ----------
    dout : ndarray of shape (N, M)
        Gradient of the loss with respect to the output.
    cache : Cache
        From `linear_forward`.
    needs : sequence of str, optional
        Which of ``"x"``, ``"w"``, ``"b"`` to compute; all by default.

    Returns
    -------
    dx : ndarray of shape (N, D) or None
        Gradient of the features.
    dw : ndarray of shape (M, D) or None
        Gradient of the weights.
    db : ndarray of shape (M,) or None
        Gradient of the biases; None where there were none.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `linear_forward`.
    OptionError
        Where `needs` names no input.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0]])
    >>> out, cache = linear_forward(x, np.array([[3.0, 4.0], [5.0, 6.0]]))
    >>> dx, dw, db = linear_backward(np.array([[1.0, 1.0]]), cache)
    >>> dx, dw, db
    (array([[ 8., 10.]]), array([[1., 2.],
           [1., 2.]]), None)
    """
    gradients: Gradients = call.backward("linear", dout, cache, needs)
    return gradients


def flatten_forward(x: FloatArray) -> tuple[FloatArray, Cache]:
    """Lay each image out as one row, keeping the batch axis.

    Parameters
    ----------
    x : ndarray of shape (N, ...), float32 or float64
        Images.

    Returns
    -------
    out : ndarray of shape (N, D)
        Their entries in row-major order; where memory allows, a view of x.
    cache : Cache
        For `flatten_backward`.

    Raises
    ------
    ShapeError
        Where x has no batch axis.
    DtypeError
        Where x is not float32 or float64.

    Examples
    --------
    >>> out, cache = flatten_forward(np.zeros((5, 3, 4, 4)))
    >>> out.shape
    (5, 48)
    """
    return call.forward("flatten", (x,), {})


def flatten_backward(dout: FloatArray, cache: Cache) -> FloatArray:
    """Fold each row back into an image.

    Parameters
    ----------
    dout : ndarray of shape (N, D)
        Gradient of the loss with respect to the output.
    cache : Cache
        From `flatten_forward`.

    Returns
    -------
    ndarray of shape (N, ...)
        Gradient of the images; where memory allows, a view of dout.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `flatten_forward`.

    Examples
    --------
    >>> out, cache = flatten_forward(np.zeros((5, 3, 4, 4)))
    >>> flatten_backward(out, cache).shape
    (5, 3, 4, 4)
    """
    dx: FloatArray = call.backward("flatten", dout, cache)
    return dx
