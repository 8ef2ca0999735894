"""The course's layers: each a forward and a backward pass.

Forward returns ``(out, cache)``; backward takes the gradient of the output and that
cache, and returns the gradients of the arrays in the order of the forward pass. The
losses return ``(loss, dx)`` at once. Inputs are never changed, but for the running
statistics, which are stored into ``bn_param``.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy import functional
from cnnpy.backends.registry import use_backend
from cnnpy.contract import options
from cnnpy.contract.dtypes import check_array, check_float
from cnnpy.contract.errors import ShapeError
from cnnpy.cs231n.caches import Kept, matched, unpack
from cnnpy.cs231n.coerce import floats
from cnnpy.cs231n.convolution import (
    avg_pool,
    avg_pool_gradient,
    convolve,
    convolve_gradients,
    max_pool,
    max_pool_gradient,
)
from cnnpy.cs231n.normalization import (
    batch_norm,
    batch_norm_closed_form,
    batch_norm_gradients,
    group_norm,
    group_norm_gradients,
    layer_norm,
    layer_norm_gradients,
)
from cnnpy.cs231n.parameters import entry, mode_of

__all__ = [
    "affine_backward",
    "affine_forward",
    "avg_pool_backward_naive",
    "avg_pool_forward_naive",
    "batchnorm_backward",
    "batchnorm_backward_alt",
    "batchnorm_forward",
    "conv_backward_naive",
    "conv_forward_naive",
    "dropout_backward",
    "dropout_forward",
    "layernorm_backward",
    "layernorm_forward",
    "max_pool_backward_naive",
    "max_pool_forward_naive",
    "relu_backward",
    "relu_forward",
    "softmax_loss",
    "spatial_batchnorm_backward",
    "spatial_batchnorm_forward",
    "spatial_groupnorm_backward",
    "spatial_groupnorm_forward",
    "svm_loss",
]

Array = NDArray[Any]
Parameters = Mapping[str, Any]


# --- affine, relu ----------------------------------------------------------------


def affine_forward(x: Array, w: Array, b: Array) -> tuple[Array, Kept]:
    """Weigh all features of each input for each output: x w + b.

    Parameters
    ----------
    x : ndarray of shape (N, d_1, ..., d_k)
        Inputs; each is laid out as one row of D = d_1 * ... * d_k features.
    w : ndarray of shape (D, M)
        Weights, one column an output.
    b : ndarray of shape (M,)
        Biases.

    Returns
    -------
    out : ndarray of shape (N, M)
        The weighted sums.
    cache : tuple
        ``(x, w, b)``.

    Raises
    ------
    ShapeError
        Where D or M differ.
    DtypeError
        Where something is no array of real numbers.

    Examples
    --------
    >>> w = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> out, cache = affine_forward(np.array([[1.0, 2.0, 3.0]]), w, np.array([0, 10]))
    >>> out
    array([[ 4., 15.]])
    """
    out, inner = _affine(x, w, b, None)
    return out, Kept((x, w, b), inner)


def affine_backward(dout: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute the gradients of an affine layer.

    Parameters
    ----------
    dout : ndarray of shape (N, M)
        Gradient of the loss with respect to the output.
    cache : tuple
        ``(x, w, b)``, from `affine_forward`.

    Returns
    -------
    dx : ndarray of shape (N, d_1, ..., d_k)
        Gradient of the inputs.
    dw : ndarray of shape (D, M)
        Gradient of the weights.
    db : ndarray of shape (M,)
        Gradient of the biases.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout is no array of real numbers.
    CacheError
        Where cache is not from `affine_forward`.

    Examples
    --------
    >>> w = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> out, cache = affine_forward(np.array([[1.0, 2.0, 3.0]]), w, np.zeros(2))
    >>> dx, dw, db = affine_backward(np.array([[1.0, 10.0]]), cache)
    >>> dx
    array([[ 1., 10., 11.]])
    """
    x, w, b = unpack("affine_backward", cache, "x w b", "linear")
    dout, inner = matched(dout, cache, lambda dtype: _affine(x, w, b, dtype)[1])
    dx, dw, db = functional.linear_backward(dout, inner)
    assert dx is not None
    assert dw is not None
    return dx.reshape(x.shape), dw.T, db  # type: ignore[return-value]


def _affine(
    x: Array, w: Array, b: Array, dtype: np.dtype[Any] | None
) -> tuple[Array, functional.Cache]:
    x, w, b = floats(x, w, b, dtype=dtype)
    rows, _ = functional.flatten_forward(x)
    w = check_array("affine_forward", "w", w)
    D = rows.shape[1]
    if w.ndim != 2 or len(w) != D:
        turned = w.ndim == 2 and w.shape[1] == D
        outputs = w.shape[-1] if w.ndim else 1
        raise ShapeError(
            f"affine_forward: x has shape {x.shape}, so D={D}; w has shape {w.shape}",
            f"w of shape (D, M) with D={D}, the product of the axes of x after the first",
            "w looks like (M, D): use w.T" if turned else f"give w the shape ({D}, {outputs})",
        )
    return functional.linear_forward(rows, w.T, b)


def relu_forward(x: Array) -> tuple[Array, Array]:
    """Cut off what is negative: max(x, 0).

    Parameters
    ----------
    x : ndarray of any shape
        Entries.

    Returns
    -------
    out : ndarray of the shape of x
        The entries, those below 0 cut off.
    cache : ndarray
        The array x itself.

    Raises
    ------
    DtypeError
        Where x is no array of real numbers.

    Examples
    --------
    >>> out, cache = relu_forward(np.array([-1, 0, 2]))
    >>> out
    array([0., 0., 2.])
    """
    return functional.relu_forward(*floats(x))[0], x


def relu_backward(dout: Array, cache: Array) -> Array:
    """Let the gradient through where x was positive.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : ndarray
        x, from `relu_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.

    Raises
    ------
    ShapeError
        Where dout has not the shape of x.
    DtypeError
        Where dout or x is no array of real numbers.

    Examples
    --------
    >>> relu_backward(np.ones(3), np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 1.])
    """
    dout, x = floats(dout, cache)
    return functional.relu_backward(dout, functional.relu_forward(x)[1])


# --- losses ----------------------------------------------------------------------


def softmax_loss(x: Array, y: Array) -> tuple[Any, Array]:
    """Measure how surprised the scores are by the right class.

    Parameters
    ----------
    x : ndarray of shape (N, C)
        Scores of C classes.
    y : ndarray of shape (N,) of integers
        The right classes, from 0 to C - 1.

    Returns
    -------
    loss : float
        Mean over the inputs.
    dx : ndarray of shape (N, C)
        Gradient of the scores.

    Raises
    ------
    ShapeError
        Where N differs.
    DtypeError
        Where x is no array of real numbers, or y none of integers.
    DataError
        Where a class is not from 0 to C - 1.

    Examples
    --------
    >>> loss, dx = softmax_loss(np.zeros((1, 4)), np.array([3]))
    >>> print(f"{loss:.4f}", dx)  # log 4
    1.3863 [[ 0.25  0.25  0.25 -0.75]]
    """
    (x,) = floats(x)
    loss, cache = functional.softmax_cross_entropy_forward(x, y)
    return loss, functional.softmax_cross_entropy_backward(1.0, cache)


def svm_loss(x: Array, y: Array) -> tuple[Any, Array]:
    """Charge each class whose score comes within 1 of the right one's.

    Parameters
    ----------
    x : ndarray of shape (N, C)
        Scores of C classes.
    y : ndarray of shape (N,) of integers
        The right classes, from 0 to C - 1.

    Returns
    -------
    loss : float
        A sum over the other classes, a mean over the inputs.
    dx : ndarray of shape (N, C)
        Gradient of the scores.

    Raises
    ------
    ShapeError
        Where N differs.
    DtypeError
        Where x is no array of real numbers, or y none of integers.
    DataError
        Where a class is not from 0 to C - 1.

    Examples
    --------
    >>> loss, dx = svm_loss(np.array([[2.0, 1.5, 0.0]]), np.array([0]))
    >>> print(loss, dx)
    0.5 [[-1.  1.  0.]]
    """
    (x,) = floats(x)
    loss, cache = functional.hinge_forward(x, y)
    return loss, functional.hinge_backward(1.0, cache)


# --- normalisation ---------------------------------------------------------------


def batchnorm_forward(
    x: Array, gamma: Array, beta: Array, bn_param: MutableMapping[str, Any]
) -> tuple[Array, Kept]:
    """Bring each feature to mean beta and spread gamma over the batch.

    In mode "train" with the batch's own mean and (biased) variance, and then
    ``running = momentum * running + (1 - momentum) * batch`` for both; in mode "test"
    with the running ones.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        Features.
    gamma, beta : ndarray of shape (D,)
        Scale and shift.
    bn_param : dict
        ``"mode"``: "train" or "test". ``"eps"``: added to the variance, 1e-5 where it
        is missing. ``"momentum"``: weight of the old running statistics, 0.9.
        ``"running_mean"``, ``"running_var"``: of shape (D,), zeros where missing;
        new ones are stored here.

    Returns
    -------
    out : ndarray of shape (N, D)
        ``gamma * (x - mean) / sqrt(var + eps) + beta``.
    cache : tuple
        For `batchnorm_backward` and `batchnorm_backward_alt`.

    Raises
    ------
    ShapeError
        Where D differs, or x has not two axes.
    DtypeError
        Where something is no array of real numbers.
    OptionError
        Where the mode is missing or another one, or a number is out of its range.

    References
    ----------
    .. [1] S. Ioffe, C. Szegedy, "Batch normalization", ICML 2015.

    Examples
    --------
    >>> bn_param = {"mode": "train", "eps": 1e-12}
    >>> out, cache = batchnorm_forward(
    ...     np.array([[0.0], [2.0]]), np.array([3]), np.array([5]), bn_param
    ... )
    >>> out.ravel(), bn_param["running_mean"], bn_param["running_var"]
    (array([2., 8.]), array([0.1]), array([0.1]))
    """
    return batch_norm("batchnorm_forward", x, gamma, beta, bn_param)


def batchnorm_backward(dout: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute the gradients of a batch normalisation.

    Parameters
    ----------
    dout : ndarray of shape (N, D)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `batchnorm_forward`.

    Returns
    -------
    dx : ndarray of shape (N, D)
        Gradient of the features.
    dgamma, dbeta : ndarray of shape (D,)
        Gradients of scale and shift.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout is no array of real numbers.
    CacheError
        Where cache is not from `batchnorm_forward`.

    Examples
    --------
    >>> out, cache = batchnorm_forward(
    ...     np.array([[0.0], [2.0]]), np.ones(1), np.zeros(1), {"mode": "train"}
    ... )
    >>> dx, dgamma, dbeta = batchnorm_backward(np.ones((2, 1)), cache)
    >>> dx.ravel(), dbeta  # moving all outputs alike moves no output
    (array([0., 0.]), array([2.]))
    """
    return batch_norm_gradients("batchnorm_backward", dout, cache)


def batchnorm_backward_alt(dout: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute the gradients of a batch normalisation in closed form.

    With everything between dout and dx put into one line, over a batch of N:

    ``dx = gamma / (N * std) * (N * dout - sum(dout) - x_hat * sum(dout * x_hat))``

    written out here in NumPy, while `batchnorm_backward` computes on a backend.

    Parameters
    ----------
    dout : ndarray of shape (N, D)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `batchnorm_forward`.

    Returns
    -------
    dx : ndarray of shape (N, D)
        Gradient of the features.
    dgamma, dbeta : ndarray of shape (D,)
        Gradients of scale and shift.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout is no array of real numbers.
    CacheError
        Where cache is not from `batchnorm_forward`.

    Examples
    --------
    >>> out, cache = batchnorm_forward(
    ...     np.array([[0.0], [2.0]]), np.ones(1), np.zeros(1), {"mode": "train"}
    ... )
    >>> dx, dgamma, dbeta = batchnorm_backward_alt(np.ones((2, 1)), cache)
    >>> dx.ravel(), dbeta
    (array([0., 0.]), array([2.]))
    """
    return batch_norm_closed_form("batchnorm_backward_alt", dout, cache)


def layernorm_forward(
    x: Array, gamma: Array, beta: Array, ln_param: Parameters
) -> tuple[Array, Kept]:
    """Bring the features of each input to mean beta and spread gamma.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        Features.
    gamma, beta : ndarray of shape (D,)
        Scale and shift.
    ln_param : dict
        ``"eps"``: added to the variance, 1e-5 where it is missing.

    Returns
    -------
    out : ndarray of shape (N, D)
        ``gamma * (x - mean) / sqrt(var + eps) + beta``.
    cache : tuple
        For `layernorm_backward`.

    Raises
    ------
    ShapeError
        Where D differs, or x has not two axes.
    DtypeError
        Where something is no array of real numbers.
    OptionError
        Where eps is not above 0.

    References
    ----------
    .. [1] J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization",
       arXiv:1607.06450, 2016.

    Examples
    --------
    >>> x = np.array([[0.0, 2.0], [10.0, 30.0]])
    >>> out, cache = layernorm_forward(x, np.array([3, 3]), np.array([5, 5]), {"eps": 1e-12})
    >>> out
    array([[2., 8.],
           [2., 8.]])
    """
    return layer_norm("layernorm_forward", x, gamma, beta, ln_param)


def layernorm_backward(dout: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute the gradients of a layer normalisation.

    Parameters
    ----------
    dout : ndarray of shape (N, D)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `layernorm_forward`.

    Returns
    -------
    dx : ndarray of shape (N, D)
        Gradient of the features.
    dgamma, dbeta : ndarray of shape (D,)
        Gradients of scale and shift.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout is no array of real numbers.
    CacheError
        Where cache is not from `layernorm_forward`.

    Examples
    --------
    >>> out, cache = layernorm_forward(np.array([[0.0, 2.0]]), np.ones(2), np.zeros(2), {})
    >>> dx, dgamma, dbeta = layernorm_backward(np.ones((1, 2)), cache)
    >>> dx, dbeta
    (array([[0., 0.]]), array([1., 1.]))
    """
    return layer_norm_gradients("layernorm_backward", dout, cache)


def spatial_batchnorm_forward(
    x: Array, gamma: Array, beta: Array, bn_param: MutableMapping[str, Any]
) -> tuple[Array, Kept]:
    """Bring each channel of images to mean beta and spread gamma.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    gamma, beta : ndarray of shape (C,) or (1, C, 1, 1)
        Scale and shift.
    bn_param : dict
        As for `batchnorm_forward`, the running statistics of shape (C,).

    Returns
    -------
    out : ndarray of shape (N, C, H, W)
        ``gamma * (x - mean) / sqrt(var + eps) + beta``.
    cache : tuple
        For `spatial_batchnorm_backward`.

    Raises
    ------
    ShapeError
        Where C differs, or x has not four axes.
    DtypeError
        Where something is no array of real numbers.
    OptionError
        Where the mode is missing or another one, or a number is out of its range.

    Examples
    --------
    >>> x = np.array([0.0, 2.0]).reshape(1, 1, 1, 2)
    >>> bn_param = {"mode": "train", "eps": 1e-12}
    >>> out, cache = spatial_batchnorm_forward(x, np.array([3]), np.array([5]), bn_param)
    >>> out
    array([[[[2., 8.]]]])
    """
    return batch_norm("spatial_batchnorm_forward", x, gamma, beta, bn_param)


def spatial_batchnorm_backward(dout: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute the gradients of a spatial batch normalisation.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H, W)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `spatial_batchnorm_forward`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the images.
    dgamma, dbeta : ndarray of the shape that gamma and beta had
        Gradients of scale and shift.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout is no array of real numbers.
    CacheError
        Where cache is not from `spatial_batchnorm_forward`.

    Examples
    --------
    >>> x = np.array([0.0, 2.0]).reshape(1, 1, 1, 2)
    >>> out, cache = spatial_batchnorm_forward(x, np.ones(1), np.zeros(1), {"mode": "train"})
    >>> dx, dgamma, dbeta = spatial_batchnorm_backward(np.ones_like(x), cache)
    >>> dbeta
    array([2.])
    """
    return batch_norm_gradients("spatial_batchnorm_backward", dout, cache)


def spatial_groupnorm_forward(
    x: Array, gamma: Array, beta: Array, G: int, gn_param: Parameters
) -> tuple[Array, Kept]:
    """Bring groups of each image's channels to mean beta and spread gamma.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images.
    gamma, beta : ndarray of shape (1, C, 1, 1) or (C,)
        Scale and shift, one a channel.
    G : int
        How many groups C is cut into.
    gn_param : dict
        ``"eps"``: added to the variance, 1e-5 where it is missing.

    Returns
    -------
    out : ndarray of shape (N, C, H, W)
        ``gamma * (x - mean) / sqrt(var + eps) + beta``.
    cache : tuple
        For `spatial_groupnorm_backward`.

    Raises
    ------
    ShapeError
        Where G does not divide C, C differs, or x has not four axes.
    DtypeError
        Where something is no array of real numbers.
    OptionError
        Where eps is not above 0.

    References
    ----------
    .. [1] Y. Wu, K. He, "Group normalization", ECCV 2018.

    Examples
    --------
    >>> x = np.array([0.0, 2.0, 5.0, 9.0]).reshape(1, 4, 1, 1)
    >>> gamma, beta = np.ones((1, 4, 1, 1)), np.zeros((1, 4, 1, 1))
    >>> out, cache = spatial_groupnorm_forward(x, gamma, beta, 2, {"eps": 1e-12})
    >>> out.ravel()
    array([-1.,  1., -1.,  1.])
    """
    return group_norm("spatial_groupnorm_forward", x, gamma, beta, G, gn_param)


def spatial_groupnorm_backward(dout: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute the gradients of a spatial group normalisation.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H, W)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `spatial_groupnorm_forward`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the images.
    dgamma, dbeta : ndarray of the shape that gamma and beta had
        Gradients of scale and shift.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout is no array of real numbers.
    CacheError
        Where cache is not from `spatial_groupnorm_forward`.

    Examples
    --------
    >>> x = np.array([0.0, 2.0, 5.0, 9.0]).reshape(1, 4, 1, 1)
    >>> gamma, beta = np.ones((1, 4, 1, 1)), np.zeros((1, 4, 1, 1))
    >>> out, cache = spatial_groupnorm_forward(x, gamma, beta, 2, {})
    >>> dx, dgamma, dbeta = spatial_groupnorm_backward(np.ones_like(x), cache)
    >>> dbeta.shape, dbeta.ravel()
    ((1, 4, 1, 1), array([1., 1., 1., 1.]))
    """
    return group_norm_gradients("spatial_groupnorm_backward", dout, cache)


# --- dropout ---------------------------------------------------------------------


def dropout_forward(
    x: Array, dropout_param: Parameters
) -> tuple[Array, tuple[Parameters, Array | None]]:
    """Keep entries with a probability p, and scale up those that stay.

    The mask is ``(np.random.rand(*x.shape) < p) / p``, drawn once, as the course
    draws it, so that a seed names the same one.

    Parameters
    ----------
    x : ndarray of any shape
        Entries.
    dropout_param : dict
        ``"p"``: probability of being *kept*, above 0 and at most 1. ``"mode"``:
        "train", or "test", which keeps everything. ``"seed"``, optional: handed to
        ``np.random.seed`` first.

    Returns
    -------
    out : ndarray of the shape of x
        The entries times the mask.
    cache : tuple
        ``(dropout_param, mask)``; the mask is None in mode "test".

    Raises
    ------
    DtypeError
        Where x is no array of real numbers.
    OptionError
        Where p or the mode is missing or out of its range.

    References
    ----------
    .. [1] N. Srivastava et al., "Dropout: a simple way to prevent neural networks
       from overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> out, cache = dropout_forward(np.ones(4), {"mode": "train", "p": 0.5, "seed": 0})
    >>> out  # np.random.rand gives 0.55, 0.72, 0.60, 0.54 after seed 0
    array([0., 0., 0., 0.])
    >>> out, cache = dropout_forward(np.ones(4), {"mode": "train", "p": 0.6, "seed": 0})
    >>> out * 0.6
    array([1., 0., 0., 1.])
    """
    function = "dropout_forward"
    keep = options.real(0.0, 1.0, above=True)
    p = keep(function, "p", entry(function, "dropout_param", dropout_param, "p"))
    mode = mode_of(function, "dropout_param", dropout_param)
    (x,) = floats(check_array(function, "x", x))
    check_float(function, "x", x, None)
    if dropout_param.get("seed") is not None:
        np.random.seed(dropout_param["seed"])
    if mode == "test":
        return x.copy(), (dropout_param, None)
    mask = np.asarray(np.random.rand(*x.shape) < p) / p  # without axes rand gives a float
    return (x * mask).astype(x.dtype, copy=False), (dropout_param, mask)


def dropout_backward(dout: Array, cache: tuple[Any, ...]) -> Array:
    """Let the gradient through where the entry stayed, scaled as it was.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : tuple
        ``(dropout_param, mask)``, from `dropout_forward`.

    Returns
    -------
    ndarray of the shape of x
        Gradient of x.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the mask.
    OptionError
        Where the mode is missing or another one.
    CacheError
        Where cache is not from `dropout_forward`.

    Examples
    --------
    >>> mask = np.array([2.0, 0.0])
    >>> dropout_backward(np.array([3.0, 4.0]), ({"mode": "train", "p": 0.5}, mask))
    array([6., 0.])
    """
    dropout_param, mask = unpack("dropout_backward", cache, "dropout_param mask")
    mode = mode_of("dropout_backward", "dropout_param", dropout_param)
    (dout,) = floats(check_array("dropout_backward", "dout", dout))
    check_float("dropout_backward", "dout", dout, None)
    if mode == "test" or mask is None:
        return dout.copy()
    if dout.shape != mask.shape:
        raise ShapeError(
            f"dropout_backward: dout has shape {dout.shape}; the mask has shape {mask.shape}",
            "dout of the shape of the mask",
            f"use dout.reshape({mask.shape})"
            if dout.size == mask.size
            else f"give dout the shape {mask.shape}",
        )
    dx: Array = (dout * mask).astype(dout.dtype, copy=False)
    return dx


# --- convolution and pooling, on the definition's loops --------------------------


def conv_forward_naive(x: Array, w: Array, b: Array, conv_param: Parameters) -> tuple[Array, Kept]:
    """Slide filters over images and sum the products, in plain loops.

    Computed by the definition, :mod:`cnnpy.reference.conv2d`.

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
        ``(x, w, b, conv_param)``.

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
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> conv_param = {"stride": 1, "pad": 0}
    >>> out, cache = conv_forward_naive(x, np.ones((1, 1, 3, 3)), np.array([0]), conv_param)
    >>> out[0, 0]
    array([[45., 54.],
           [81., 90.]])
    """
    with use_backend("reference"):
        return convolve("conv_forward_naive", x, w, b, conv_param)


def conv_backward_naive(dout: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute the gradients of a convolution, in plain loops.

    Parameters
    ----------
    dout : ndarray of shape (N, F, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        ``(x, w, b, conv_param)``, from `conv_forward_naive`.

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
        Where cache is not from `conv_forward_naive`.

    Examples
    --------
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> conv_param = {"stride": 1, "pad": 0}
    >>> out, cache = conv_forward_naive(x, np.ones((1, 1, 3, 3)), np.array([0]), conv_param)
    >>> dx, dw, db = conv_backward_naive(np.ones_like(out), cache)
    >>> db
    array([4.])
    """
    with use_backend("reference"):
        return convolve_gradients("conv_backward_naive", dout, cache)


def max_pool_forward_naive(x: Array, pool_param: Parameters) -> tuple[Array, Kept]:
    """Keep the largest entry of each window, in plain loops.

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
        ``(x, pool_param)``.

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
    >>> pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
    >>> out, cache = max_pool_forward_naive(np.arange(16.0).reshape(1, 1, 4, 4), pool_param)
    >>> out[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    with use_backend("reference"):
        return max_pool("max_pool_forward_naive", x, pool_param)


def max_pool_backward_naive(dout: Array, cache: tuple[Any, ...]) -> Array:
    """Give each output's gradient to the entry that it was copied from.

    Of several largest entries the first in row-major order takes it. Where windows
    overlap, an entry collects a sum.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        ``(x, pool_param)``, from `max_pool_forward_naive`.

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
        Where cache is not from `max_pool_forward_naive`.

    Examples
    --------
    >>> pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
    >>> out, cache = max_pool_forward_naive(np.ones((1, 1, 2, 2)), pool_param)
    >>> max_pool_backward_naive(np.array([[[[8.0]]]]), cache)[0, 0]
    array([[8., 0.],
           [0., 0.]])
    """
    with use_backend("reference"):
        return max_pool_gradient("max_pool_backward_naive", dout, cache)


def avg_pool_forward_naive(x: Array, pool_param: Parameters) -> tuple[Array, Kept]:
    """Keep the mean of each window, in plain loops: the mean pooling.

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
        ``(x, pool_param)``.

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
    >>> pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
    >>> out, cache = avg_pool_forward_naive(np.arange(16.0).reshape(1, 1, 4, 4), pool_param)
    >>> out[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    with use_backend("reference"):
        return avg_pool("avg_pool_forward_naive", x, pool_param)


def avg_pool_backward_naive(dout: Array, cache: tuple[Any, ...]) -> Array:
    """Share each output's gradient out equally over its window.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        ``(x, pool_param)``, from `avg_pool_forward_naive`.

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
        Where cache is not from `avg_pool_forward_naive`.

    Examples
    --------
    >>> pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
    >>> out, cache = avg_pool_forward_naive(np.ones((1, 1, 2, 2)), pool_param)
    >>> avg_pool_backward_naive(np.array([[[[8.0]]]]), cache)[0, 0]
    array([[2., 2.],
           [2., 2.]])
    """
    with use_backend("reference"):
        return avg_pool_gradient("avg_pool_backward_naive", dout, cache)
