"""Normalisation: the public functions."""

from __future__ import annotations

from collections.abc import Sequence

from cnnpy.contract.dtypes import FloatArray
from cnnpy.functional import call
from cnnpy.functional.call import Cache

__all__ = [
    "batch_norm_backward",
    "batch_norm_forward",
    "group_norm_backward",
    "group_norm_forward",
    "layer_norm_backward",
    "layer_norm_forward",
]

Gradients = tuple[FloatArray | None, FloatArray | None, FloatArray | None]


def batch_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None = None,
    beta: FloatArray | None = None,
    *,
    running_mean: FloatArray | None = None,
    running_var: FloatArray | None = None,
    train: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[FloatArray, Cache]:
    """Bring each channel to mean beta and spread gamma over the batch.

    With ``train=True`` the batch's own mean and (biased) variance are used, and the
    running ones follow in place: ``running = (1 - momentum)*running + momentum*batch``,
    the variance unbiased. With ``train=False`` the running ones are used.

    Parameters
    ----------
    x : ndarray of shape (N, C) or (N, C, H, W), float32 or float64
        Features or images.
    gamma, beta : ndarray of shape (C,), optional
        Scale and shift; 1 and 0 where left out.
    running_mean, running_var : ndarray of shape (C,), optional
        The only arrays that any function of this room changes.
    train : bool
        Whether to use the batch's own statistics.
    momentum : float
        Weight of the new batch in the running statistics, 0 to 1.
    eps : float
        Added to the variance, above 0.

    Returns
    -------
    out : ndarray of the shape of x
        ``gamma * (x - mean) / sqrt(var + eps) + beta``.
    cache : Cache
        For `batch_norm_backward`.

    Raises
    ------
    ShapeError
        Where C differs, running statistics are missing, or a channel has one value
        only when running_var is to follow.
    DtypeError
        Where an array is not float32 or float64, dtypes are mixed, or a running
        statistic is read-only.
    OptionError
        Where an option is out of its range.

    References
    ----------
    .. [1] S. Ioffe, C. Szegedy, "Batch normalization", ICML 2015.

    Examples
    --------
    >>> mean, var = np.zeros(1), np.ones(1)
    >>> x = np.array([[0.0], [2.0]])
    >>> out, cache = batch_norm_forward(x, running_mean=mean, running_var=var, eps=1e-12)
    >>> out.ravel(), mean, var
    (array([-1.,  1.]), array([0.1]), array([1.1]))
    """
    options = {"train": train, "momentum": momentum, "eps": eps}
    statistics = {"running_mean": running_mean, "running_var": running_var}
    return call.forward("batch_norm", (x, gamma, beta), options, statistics)


def batch_norm_backward(
    dout: FloatArray, cache: Cache, *, needs: Sequence[str] | None = None
) -> Gradients:
    """Compute the gradients of a batch normalisation.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `batch_norm_forward`.
    needs : sequence of str, optional
        Which of ``"x"``, ``"gamma"``, ``"beta"`` to compute; all by default.

    Returns
    -------
    dx : ndarray of the shape of x, or None
        Gradient of the values.
    dgamma, dbeta : ndarray of shape (C,) or None
        Gradients of scale and shift; None where they were left out.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `batch_norm_forward`.
    OptionError
        Where `needs` names no input.

    Examples
    --------
    >>> out, cache = batch_norm_forward(np.array([[0.0], [2.0]]), np.ones(1), np.zeros(1))
    >>> dx, dgamma, dbeta = batch_norm_backward(np.ones((2, 1)), cache)
    >>> dx.ravel(), dbeta  # moving all outputs alike moves no output
    (array([0., 0.]), array([2.]))
    """
    gradients: Gradients = call.backward("batch_norm", dout, cache, needs)
    return gradients


def layer_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None = None,
    beta: FloatArray | None = None,
    *,
    axis: int = -1,
    eps: float = 1e-5,
) -> tuple[FloatArray, Cache]:
    """Bring the last axes of each image to mean beta and spread gamma.

    Parameters
    ----------
    x : ndarray of shape (N, ...), float32 or float64
        Features or images.
    gamma, beta : ndarray of shape ``x.shape[axis:]``, optional
        Scale and shift; 1 and 0 where left out.
    axis : int
        The first of the axes that are normalised together: 1 for all but the batch.
    eps : float
        Added to the variance, above 0.

    Returns
    -------
    out : ndarray of the shape of x
        ``gamma * (x - mean) / sqrt(var + eps) + beta``.
    cache : Cache
        For `layer_norm_backward`.

    Raises
    ------
    ShapeError
        Where gamma or beta have another shape, or x has no such axis.
    DtypeError
        Where an array is not float32 or float64, or dtypes are mixed.
    OptionError
        Where an option is out of its range.

    References
    ----------
    .. [1] J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization",
       arXiv:1607.06450, 2016.

    Examples
    --------
    >>> out, cache = layer_norm_forward(np.array([[0.0, 2.0], [10.0, 30.0]]), eps=1e-12)
    >>> out
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    return call.forward("layer_norm", (x, gamma, beta), {"axis": axis, "eps": eps})


def layer_norm_backward(
    dout: FloatArray, cache: Cache, *, needs: Sequence[str] | None = None
) -> Gradients:
    """Compute the gradients of a layer normalisation.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `layer_norm_forward`.
    needs : sequence of str, optional
        Which of ``"x"``, ``"gamma"``, ``"beta"`` to compute; all by default.

    Returns
    -------
    dx : ndarray of the shape of x, or None
        Gradient of the values.
    dgamma, dbeta : ndarray of shape ``x.shape[axis:]`` or None
        Gradients of scale and shift; None where they were left out.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `layer_norm_forward`.
    OptionError
        Where `needs` names no input.

    Examples
    --------
    >>> out, cache = layer_norm_forward(np.array([[0.0, 2.0]]), np.ones(2), np.zeros(2))
    >>> dx, dgamma, dbeta = layer_norm_backward(np.ones((1, 2)), cache)
    >>> dx, dbeta
    (array([[0., 0.]]), array([1., 1.]))
    """
    gradients: Gradients = call.backward("layer_norm", dout, cache, needs)
    return gradients


def group_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None = None,
    beta: FloatArray | None = None,
    *,
    groups: int,
    eps: float = 1e-5,
) -> tuple[FloatArray, Cache]:
    """Bring groups of each image's channels to mean beta and spread gamma.

    Parameters
    ----------
    x : ndarray of shape (N, C) or (N, C, H, W), float32 or float64
        Features or images.
    gamma, beta : ndarray of shape (C,), optional
        Scale and shift; 1 and 0 where left out.
    groups : int
        How many groups C is cut into: 1 for all channels together, C for each alone.
    eps : float
        Added to the variance, above 0.

    Returns
    -------
    out : ndarray of the shape of x
        ``gamma * (x - mean) / sqrt(var + eps) + beta``.
    cache : Cache
        For `group_norm_backward`.

    Raises
    ------
    ShapeError
        Where groups do not divide C, or C differs.
    DtypeError
        Where an array is not float32 or float64, or dtypes are mixed.
    OptionError
        Where an option is out of its range.

    References
    ----------
    .. [1] Y. Wu, K. He, "Group normalization", ECCV 2018.

    Examples
    --------
    >>> out, cache = group_norm_forward(np.array([[0.0, 2.0, 5.0, 9.0]]), groups=2, eps=1e-12)
    >>> out
    array([[-1.,  1., -1.,  1.]])
    """
    return call.forward("group_norm", (x, gamma, beta), {"groups": groups, "eps": eps})


def group_norm_backward(
    dout: FloatArray, cache: Cache, *, needs: Sequence[str] | None = None
) -> Gradients:
    """Compute the gradients of a group normalisation.

    Parameters
    ----------
    dout : ndarray of the shape of x
        Gradient of the loss with respect to the output.
    cache : Cache
        From `group_norm_forward`.
    needs : sequence of str, optional
        Which of ``"x"``, ``"gamma"``, ``"beta"`` to compute; all by default.

    Returns
    -------
    dx : ndarray of the shape of x, or None
        Gradient of the values.
    dgamma, dbeta : ndarray of shape (C,) or None
        Gradients of scale and shift; None where they were left out.

    Raises
    ------
    ShapeError
        Where dout has not the shape of the output.
    DtypeError
        Where dout has not the dtype of the output.
    CacheError
        Where cache is not from `group_norm_forward`.
    OptionError
        Where `needs` names no input.

    Examples
    --------
    >>> out, cache = group_norm_forward(np.array([[0.0, 2.0]]), np.ones(2), groups=1)
    >>> dx, dgamma, dbeta = group_norm_backward(np.ones((1, 2)), cache)
    >>> dx, dbeta is None
    (array([[0., 0.]]), True)
    """
    gradients: Gradients = call.backward("group_norm", dout, cache, needs)
    return gradients
