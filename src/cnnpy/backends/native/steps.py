"""Steps of the optimizers by the compiled kernels: one pass, everything in place.

The arithmetic is that of :mod:`cnnpy.optim`, but for roundings: products and sums are
fused where the machine can. What is changed must be writable and lie in C order, all of
one shape and dtype; the gradient is copied where it lies otherwise.
"""

from __future__ import annotations

import numpy as np

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import contiguous
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
) -> bool:
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

    Returns
    -------
    bool
        False where the arrays are not as they must be; then nothing is changed.
    """
    assert velocity is not None or momentum == 0
    if not _fit(value, grad, velocity):
        return False
    grad = contiguous(grad)
    _native.sgd_step(value, grad, velocity, lr, momentum, nesterov, weight_decay)
    return True


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
) -> bool:
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

    Returns
    -------
    bool
        False where the arrays are not as they must be; then nothing is changed.
    """
    assert velocity is not None or momentum == 0
    if not _fit(value, grad, square, velocity):
        return False
    grad = contiguous(grad)
    _native.rmsprop_step(value, grad, square, velocity, lr, alpha, eps, momentum, weight_decay)
    return True


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
) -> bool:
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

    Returns
    -------
    bool
        False where the arrays are not as they must be; then nothing is changed.
    """
    assert n_steps >= 1
    if not _fit(value, grad, mean, square):
        return False
    grad = contiguous(grad)
    b1, b2 = betas
    in_gradient, shrink = (0.0, 1 - lr * weight_decay) if decoupled else (weight_decay, 1.0)
    bias = 1 - b1**n_steps, 1 - b2**n_steps
    _native.adam_step(value, grad, mean, square, lr, b1, b2, eps, in_gradient, shrink, *bias)
    return True


_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)


def _fit(value: FloatArray, grad: FloatArray, *slots: FloatArray | None) -> bool:
    """Tell whether the kernels can take the arrays, the gradient perhaps as a copy."""
    dtype, shape = value.dtype, value.shape
    if (dtype != _F32 and dtype != _F64) or not value.flags.carray:
        return False
    if grad.dtype != dtype or grad.shape != shape:
        return False
    for slot in slots:
        if slot is not None and (
            slot.dtype != dtype or slot.shape != shape or not slot.flags.carray
        ):
            return False
    return True
