"""First values of parameters, by name.

A layer's `weight_init` is a name of :data:`INITIALIZERS`, or a function of
``(rng, shape, fan_in, fan_out)``. Fan-in and fan-out count how many numbers come
into and go out of one output or input.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import OptionError
from cnnpy.contract.shapes import Shape

__all__ = [
    "INITIALIZERS",
    "Initializer",
    "find_initializer",
    "he_normal",
    "he_uniform",
    "truncated_normal",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

Initializer = Callable[[np.random.Generator, Shape, int, int], FloatArray]


def he_normal(rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> FloatArray:
    """Draw from a normal distribution of variance 2/fan_in, made for ReLU.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of chance.
    shape : tuple of int
        The parameter's.
    fan_in, fan_out : int
        Numbers that come in and go out.

    Returns
    -------
    ndarray of float64
        The first value.

    References
    ----------
    .. [1] K. He et al., "Delving deep into rectifiers", ICCV 2015.
    """
    return rng.normal(0.0, math.sqrt(2 / max(fan_in, 1)), shape)


def he_uniform(rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> FloatArray:
    """Draw from a uniform distribution of variance 2/fan_in, made for ReLU.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of chance.
    shape : tuple of int
        The parameter's.
    fan_in, fan_out : int
        Numbers that come in and go out.

    Returns
    -------
    ndarray of float64
        The first value.

    References
    ----------
    .. [1] K. He et al., "Delving deep into rectifiers", ICCV 2015.
    """
    limit = math.sqrt(6 / max(fan_in, 1))
    return rng.uniform(-limit, limit, shape)


def xavier_normal(rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> FloatArray:
    """Draw from a normal distribution of variance 2/(fan_in + fan_out).

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of chance.
    shape : tuple of int
        The parameter's.
    fan_in, fan_out : int
        Numbers that come in and go out.

    Returns
    -------
    ndarray of float64
        The first value.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.
    """
    return rng.normal(0.0, math.sqrt(2 / max(fan_in + fan_out, 1)), shape)


def xavier_uniform(rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> FloatArray:
    """Draw from a uniform distribution of variance 2/(fan_in + fan_out).

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of chance.
    shape : tuple of int
        The parameter's.
    fan_in, fan_out : int
        Numbers that come in and go out.

    Returns
    -------
    ndarray of float64
        The first value.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.
    """
    limit = math.sqrt(6 / max(fan_in + fan_out, 1))
    return rng.uniform(-limit, limit, shape)


def truncated_normal(
    rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int
) -> FloatArray:
    """Draw from a normal distribution of deviation 0.02, nothing beyond two deviations.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of chance.
    shape : tuple of int
        The parameter's.
    fan_in, fan_out : int
        Numbers that come in and go out; they do not matter here.

    Returns
    -------
    ndarray of float64
        The first value.
    """
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = rng.standard_normal(int(outside.sum()))
    return 0.02 * values


def zeros(rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> FloatArray:
    """Return zeros: for the last layer of a residual branch, say.

    Parameters
    ----------
    rng : numpy.random.Generator
        Not drawn from.
    shape : tuple of int
        The parameter's.
    fan_in, fan_out : int
        They do not matter here.

    Returns
    -------
    ndarray of float64
        Zeros.
    """
    return np.zeros(shape)


INITIALIZERS: dict[str, Initializer] = {
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "xavier_normal": xavier_normal,
    "xavier_uniform": xavier_uniform,
    "truncated_normal": truncated_normal,
    "zeros": zeros,
}


def find_initializer(name: str | Initializer) -> Initializer:
    """Return the function of a name; a function is returned as it is.

    Parameters
    ----------
    name : str or callable
        A name of :data:`INITIALIZERS`, or a function.

    Returns
    -------
    callable
        Of ``(rng, shape, fan_in, fan_out)``.

    Raises
    ------
    OptionError
        Where there is no such name.
    """
    if callable(name):
        return name
    if name not in INITIALIZERS:
        raise OptionError(
            f"weight_init={name!r}",
            "one of " + ", ".join(map(repr, INITIALIZERS)) + ", or a function",
            "use weight_init='he_normal'",
        )
    return INITIALIZERS[name]
