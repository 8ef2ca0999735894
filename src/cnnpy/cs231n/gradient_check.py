"""Difference quotients: gradients from the values of a function alone.

All of them put each entry of an array up and down by h *in place*, because the
function may reach the array another way (a model's parameter), and put it back.
"""

from __future__ import annotations

from collections.abc import Callable
from random import randrange
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DtypeError

__all__ = [
    "eval_numerical_gradient",
    "eval_numerical_gradient_array",
    "eval_numerical_gradient_blobs",
    "eval_numerical_gradient_net",
    "grad_check_sparse",
]

Array = NDArray[Any]


def eval_numerical_gradient(
    f: Callable[[Array], Any], x: Array, verbose: bool = True, h: float = 1e-5
) -> Array:
    """Compute the gradient of a number by central differences.

    Parameters
    ----------
    f : callable
        Takes x and returns one number.
    x : ndarray, float32 or float64
        Where the gradient is wanted; changed in place meanwhile.
    verbose : bool
        Whether to print each entry's place and gradient.
    h : float
        How far to go up and down.

    Returns
    -------
    ndarray of the shape of x
        ``(f(x + h) - f(x - h)) / (2*h)`` for each entry.

    Raises
    ------
    DtypeError
        Where x is no writable array of floats.

    Examples
    --------
    >>> gradient = eval_numerical_gradient(lambda x: (x**2).sum(), np.array([1.0, 3.0]), False)
    >>> gradient.round(6)
    array([2., 6.])
    """
    _demand_floats("eval_numerical_gradient", "x", x)
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        up, down = _either_side(lambda: f(x), x, place, h)
        gradient[place] = (up - down) / (2 * h)
        if verbose:
            print(place, gradient[place])
    return gradient


def eval_numerical_gradient_array(
    f: Callable[[Array], Array], x: Array, df: Array | float, h: float = 1e-5
) -> Array:
    """Compute an input's gradient from an output's by differences.

    Parameters
    ----------
    f : callable
        Takes x and returns an array.
    x : ndarray, float32 or float64
        Where the gradient is wanted; changed in place meanwhile.
    df : ndarray of the shape of f(x)
        Gradient of the loss with respect to f(x).
    h : float
        How far to go up and down.

    Returns
    -------
    ndarray of the shape of x
        ``sum((f(x + h) - f(x - h)) * df) / (2*h)`` for each entry.

    Raises
    ------
    DtypeError
        Where x is no writable array of floats.

    Examples
    --------
    >>> x, df = np.array([1.0, 3.0]), np.array([10.0, 1.0])
    >>> eval_numerical_gradient_array(lambda x: x**2, x, df).round(6)
    array([20.,  6.])
    """
    _demand_floats("eval_numerical_gradient_array", "x", x)
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        up, down = _either_side(lambda: np.array(f(x)), x, place, h)
        gradient[place] = np.sum((up - down) * df) / (2 * h)
    return gradient


def eval_numerical_gradient_blobs(
    f: Callable[..., Any], inputs: tuple[Any, ...], output: Any, h: float = 1e-5
) -> list[Array]:
    """Compute the gradients of a function that works on blobs.

    A blob has two arrays of one shape: ``vals`` and their gradients ``diffs``.

    Parameters
    ----------
    f : callable
        Called as ``f(*inputs, output)``, it reads the inputs' vals and writes the
        output's.
    inputs : tuple of blobs
        Their vals are changed in place meanwhile.
    output : blob
        Its diffs weigh its vals.
    h : float
        How far to go up and down.

    Returns
    -------
    list of ndarray
        One gradient for each input.

    Raises
    ------
    DtypeError
        Where an input's vals are no writable array of floats.

    Examples
    --------
    >>> from types import SimpleNamespace as Blob
    >>> x = Blob(vals=np.array([1.0, 3.0]), diffs=np.zeros(2))
    >>> y = Blob(vals=np.zeros(2), diffs=np.array([10.0, 1.0]))
    >>> def square(x, y):
    ...     y.vals = x.vals**2
    >>> eval_numerical_gradient_blobs(square, (x,), y)[0].round(6)
    array([20.,  6.])
    """

    def run() -> Array:
        f(*inputs, output)
        return np.array(output.vals)

    gradients = []
    for k, blob in enumerate(inputs):
        _demand_floats("eval_numerical_gradient_blobs", f"inputs[{k}].vals", blob.vals)
        gradient = np.zeros_like(blob.diffs)
        for place in np.ndindex(blob.vals.shape):
            up, down = _either_side(run, blob.vals, place, h)
            gradient[place] = np.sum((up - down) * output.diffs) / (2 * h)
        gradients.append(gradient)
    return gradients


def eval_numerical_gradient_net(
    net: Any, inputs: tuple[Any, ...], output: Any, h: float = 1e-5
) -> list[Array]:
    """Compute the gradients of a net that works on blobs.

    Parameters
    ----------
    net : object
        Its ``forward()`` reads the inputs' vals and writes the output's.
    inputs : tuple of blobs
        As for `eval_numerical_gradient_blobs`.
    output : blob
        As for `eval_numerical_gradient_blobs`.
    h : float
        How far to go up and down.

    Returns
    -------
    list of ndarray
        One gradient for each input.

    Raises
    ------
    DtypeError
        Where an input's vals are no writable array of floats.

    Examples
    --------
    >>> from types import SimpleNamespace as Blob
    >>> x = Blob(vals=np.array([1.0, 3.0]), diffs=np.zeros(2))
    >>> y = Blob(vals=np.zeros(2), diffs=np.ones(2))
    >>> class Net:
    ...     def forward(self):
    ...         y.vals = 5 * x.vals
    >>> eval_numerical_gradient_net(Net(), (x,), y)[0].round(6)
    array([5., 5.])
    """
    return eval_numerical_gradient_blobs(lambda *_: net.forward(), inputs, output, h=h)


def grad_check_sparse(
    f: Callable[[Array], Any],
    x: Array,
    analytic_grad: Array,
    num_checks: int = 10,
    h: float = 1e-5,
) -> None:
    """Compare a gradient with difference quotients at a few random entries.

    The entries are drawn with ``random.randrange``, an index an axis, as the course
    draws them. Each comparison is printed.

    Parameters
    ----------
    f : callable
        Takes x and returns one number.
    x : ndarray, float32 or float64
        Where the gradient is wanted; changed in place meanwhile.
    analytic_grad : ndarray of the shape of x
        The gradient to check.
    num_checks : int
        How many entries.
    h : float
        How far to go up and down.

    Raises
    ------
    DtypeError
        Where x is no writable array of floats.

    Examples
    --------
    >>> x = np.array([3.0])
    >>> grad_check_sparse(lambda x: (x**2).sum(), x, 2 * x, num_checks=1, h=0.5)
    numerical: 6.000000 analytic: 6.000000, relative error: 0.000000e+00
    """
    _demand_floats("grad_check_sparse", "x", x)
    for _ in range(num_checks):
        place = tuple(randrange(size) for size in x.shape)
        up, down = _either_side(lambda: f(x), x, place, h)
        numeric, analytic = float((up - down) / (2 * h)), float(analytic_grad[place])
        scale = abs(numeric) + abs(analytic)
        error = abs(numeric - analytic) / scale if scale else 0.0
        print(f"numerical: {numeric:f} analytic: {analytic:f}, relative error: {error:e}")


def _either_side(
    run: Callable[[], Any], x: Array, place: tuple[int, ...], h: float
) -> tuple[Any, Any]:
    """Return what `run` gives with the entry h above, and h below."""
    value = x[place]
    try:
        x[place] = value + h
        up = run()
        x[place] = value - h
        return up, run()
    finally:
        x[place] = value


def _demand_floats(function: str, name: str, x: Any) -> None:
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        kind = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        whole = isinstance(x, np.ndarray) and x.dtype.kind in "biu"
        raise DtypeError(
            f"{function}: {name} is {kind}",
            "an array of floats: x + h has to be something else than x",
            f"use {name}.astype(np.float64)" if whole else f"use np.asarray({name}, dtype=float)",
        )
    if not x.flags.writeable:
        raise DtypeError(
            f"{function}: {name} is read-only",
            "a writable array: its entries are put up and down in place",
            f"use {name}.copy()",
        )
