"""Steps of the optimizers by the compiled kernels: one pass, everything in place.

The arithmetic is that of :mod:`cnnpy.optim`, but for roundings: products and sums are
fused where the machine can. All arrays lie alike and in C order.
"""

from __future__ import annotations

from cnnpy.backends.native import _native
from cnnpy.contract.dtypes import FloatArray

__all__ = ["adam_step", "rmsprop_step", "sgd_step"]


def sgd_step(
    value: FloatArray,
    grad: FloatArray,
    velocity: FloatArray | None,
    *,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> None:
    """Step against the gradient; see :class:`cnnpy.optim.SGD`.

    Parameters
    ----------
    value : ndarray
        The parameter, changed in place.
    grad : ndarray of the same shape
        Its gradient.
    velocity : ndarray of the same shape or None
        Changed in place; may be None where `momentum` is 0.
    lr, momentum, nesterov, weight_decay
        As there.
    """
    assert velocity is not None or momentum == 0
    _alike(value, grad, velocity)
    _native.sgd_step(value, grad, velocity, lr, momentum, nesterov, weight_decay)


def rmsprop_step(
    value: FloatArray,
    grad: FloatArray,
    square: FloatArray,
    velocity: FloatArray | None,
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> None:
    """Divide the gradient by its recent root mean square; see :class:`cnnpy.optim.RMSprop`.

    Parameters
    ----------
    value : ndarray
        The parameter, changed in place.
    grad : ndarray of the same shape
        Its gradient.
    square : ndarray of the same shape
        The mean square, changed in place.
    velocity : ndarray of the same shape or None
        Changed in place; may be None where `momentum` is 0.
    lr, alpha, eps, momentum, weight_decay
        As there.
    """
    assert velocity is not None or momentum == 0
    _alike(value, grad, square, velocity)
    _native.rmsprop_step(value, grad, square, velocity, lr, alpha, eps, momentum, weight_decay)


def adam_step(
    value: FloatArray,
    grad: FloatArray,
    mean: FloatArray,
    square: FloatArray,
    *,
    lr: float,
    n_steps: int,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> None:
    """Step along the mean over the root mean square; see :class:`cnnpy.optim.Adam`.

    Parameters
    ----------
    value : ndarray
        The parameter, changed in place.
    grad : ndarray of the same shape
        Its gradient.
    mean, square : ndarray of the same shape
        Changed in place.
    lr, betas, eps, weight_decay
        As there.
    n_steps : int
        Which step this is, counted from 1.
    decoupled : bool
        Whether the weight decay stands beside the gradient, as in AdamW.
    """
    _alike(value, grad, mean, square)
    b1, b2 = betas
    in_gradient, shrink = (0.0, 1 - lr * weight_decay) if decoupled else (weight_decay, 1.0)
    bias = 1 - b1**n_steps, 1 - b2**n_steps
    _native.adam_step(value, grad, mean, square, lr, b1, b2, eps, in_gradient, shrink, *bias)


def _alike(value: FloatArray, *others: FloatArray | None) -> None:
    assert all(other is None or other.shape == value.shape for other in others)
