"""Gradients in one direction: one number from forward, one from backward.

Draw u of the shape of the output and v of the shape of the inputs, both at random.
With J the derivative of forward at the inputs,

``<u, J v>``    comes from difference quotients of forward along v
``<Jᵀ u, v>``   comes from backward(u)

and both are the same number. A wrong gradient agrees in a random direction only by
chance, so two calls of forward judge as many entries as there are. The work is done
in float64. Any pair of functions of this kind can be judged: an op, a layer, a
whole model with its parameters among the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["Slope", "directional"]

_STEPS = (1e-4, 1e-5, 1e-6)


@dataclass(frozen=True)
class Slope:
    """What forward and backward say of the slope in one direction.

    Parameters
    ----------
    by_differences : float
        ``<u, J v>`` by central differences of forward.
    by_backward : float
        ``<Jᵀ u, v>`` from backward.
    difference : float
        How far apart they are.
    relative_error : float
        The same, measured by the sum of the absolute values of the terms; where
        rounding hides the slope altogether, by the slope that could be seen.
    kink : bool
        Whether forward had a kink at every point that was tried, so that the
        difference quotients say nothing.
    passed : bool
        Whether they agree; False at a kink.
    """

    by_differences: float
    by_backward: float
    difference: float
    relative_error: float
    kink: bool
    passed: bool

    def __str__(self) -> str:
        if self.kink:
            return "a kink at every point that was tried: the slope is not defined"
        return (
            f"{'agree' if self.passed else 'differ'}: {self.by_differences:.9g} by differences, "
            f"{self.by_backward:.9g} by backward, relative error {self.relative_error:.1e}"
        )


def directional(
    forward: Callable[..., tuple[Any, Any]],
    backward: Callable[[Any, Any], Any],
    inputs: Sequence[Any],
    *,
    options: Mapping[str, Any] | None = None,
    wrt: Sequence[int] | None = None,
    seed: int = 0,
    tolerance: float = 1e-6,
    attempts: int = 4,
) -> Slope:
    """Compare the slope of forward with backward in one random direction.

    Parameters
    ----------
    forward : callable
        ``forward(*inputs, **options) -> (out, cache)``.
    backward : callable
        ``backward(dout, cache)``: one gradient, or one for each input of `wrt`; a
        gradient of None counts as zero.
    inputs : sequence
        Arrays, lists of arrays, or anything else; float arrays are taken in float64.
    options : mapping, optional
        Keyword arguments of forward, the same at every call.
    wrt : sequence of int, optional
        Which inputs backward returns gradients of, in its order; all inputs that are
        float arrays, lists of them or None by default.
    seed : int
        Of the direction.
    tolerance : float
        The relative error that is accepted.
    attempts : int
        Points that are tried where forward has a kink: the inputs themselves, then
        others close by.

    Returns
    -------
    Slope
        Both numbers, and whether they agree.

    Examples
    --------
    >>> def square_forward(x):
    ...     return x * x, x
    >>> def square_backward(dout, cache):
    ...     return 2 * cache * dout
    >>> directional(square_forward, square_backward, [np.array([3.0])]).passed
    True
    >>> directional(square_forward, lambda dout, x: x * dout, [np.array([3.0])]).passed
    False
    """
    rng = np.random.default_rng(seed)
    start = [_to_float64(value) for value in inputs]
    moved = [k for k, v in enumerate(start) if _moves(v)] if wrt is None else list(wrt)
    function = _Along(forward, backward, start, moved, dict(options or {}))
    for attempt in range(attempts):
        if attempt:
            function.step_aside(rng, 1e-2)
        slope = function.compare(rng, tolerance)
        if not slope.kink:
            return slope
    return slope


class _Along:
    """A pair of passes at a point, of which some inputs move along a direction."""

    def __init__(
        self,
        forward: Callable[..., tuple[Any, Any]],
        backward: Callable[[Any, Any], Any],
        point: list[Any],
        moved: list[int],
        options: dict[str, Any],
    ) -> None:
        self.forward = forward
        self.backward = backward
        self.point = point
        self.moved = moved
        self.options = options

    def step_aside(self, rng: np.random.Generator, size: float) -> None:
        for k in self.moved:
            self.point[k] = _map(lambda a: a + size * rng.standard_normal(a.shape), self.point[k])

    def out(self, direction: list[Any], step: float) -> FloatArray:
        inputs = [_map(np.copy, value) for value in self.point]
        for k, v in zip(self.moved, direction, strict=True):
            inputs[k] = _add(inputs[k], v, step)
        return np.array(self.forward(*inputs, **self.options)[0], dtype=np.float64)

    def compare(self, rng: np.random.Generator, tolerance: float) -> Slope:
        out, cache = self.forward(*(_map(np.copy, v) for v in self.point), **self.options)
        here = np.array(out, dtype=np.float64)
        u = np.asarray(rng.standard_normal(here.shape))
        v = [_map(lambda a: rng.standard_normal(a.shape), self.point[k]) for k in self.moved]
        terms = self._terms(self.backward(u.copy(), cache), v)
        by_backward, size = float(terms.sum()), float(np.abs(terms).sum())
        eps = float(np.finfo(np.float64).eps)
        # forward is right to some roundings of what comes out, and of 1 on the way there
        rounding = eps * float(np.sum(np.abs(u) * (64 * np.abs(here) + 8)))
        slope = Slope(np.nan, by_backward, np.inf, np.inf, True, False)
        for h in _STEPS:
            coarse, fine, bend = self._quotients(u, v, here, h)
            scale = max(size, float(np.abs(fine).sum()))
            noise = rounding / h
            # on a smooth piece the error of `coarse` is 4 times that of `fine`, and what is
            # left of it below is far less than their distance; a kink between shows as one
            apart = abs(float(np.sum(coarse - fine)))
            if apart > 100 * tolerance * scale + noise or bend > tolerance * scale + noise:
                continue
            by_differences = float(np.sum((4 * fine - coarse) / 3))
            difference = abs(by_differences - by_backward)
            relative = difference / max(scale + noise / tolerance, 1e-300)
            passed = relative <= tolerance
            slope = Slope(by_differences, by_backward, difference, relative, False, passed)
            if passed:
                break
        return slope

    def _quotients(
        self, u: FloatArray, v: list[Any], here: FloatArray, h: float
    ) -> tuple[FloatArray, FloatArray, float]:
        """Give the terms of <u, J v> with the steps h and h/2, and how sharp the bend is.

        The slopes to the right and to the left differ by h times the curvature, which
        halves with h; at a kink they differ by as much with any h.
        """
        terms, bends = [], []
        for step in (h, h / 2):
            right, left = self.out(v, step), self.out(v, -step)
            terms.append(u * (right - left) / (2 * step))
            bends.append(np.abs(u * (right - 2 * here + left)) / step)
        kinked = bends[1] > 0.75 * bends[0]
        return terms[0], terms[1], float(bends[1][kinked].sum())

    def _terms(self, found: Any, v: list[Any]) -> FloatArray:
        gradients = [found] if len(self.moved) == 1 and not isinstance(found, tuple) else found
        terms = [np.zeros(1)]
        for gradient, direction in zip(gradients, v, strict=True):
            if gradient is not None and direction is not None:
                terms += [
                    np.ravel(np.asarray(g, dtype=np.float64) * d)
                    for g, d in zip(_leaves(gradient), _leaves(direction), strict=True)
                ]
        return np.concatenate(terms)


def _to_float64(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f":
        return np.array(value, dtype=np.float64)
    return [_to_float64(item) for item in value] if isinstance(value, list | tuple) else value


def _moves(value: Any) -> bool:
    if isinstance(value, list):
        return all(_moves(item) for item in value)
    return value is None or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


def _map(change: Callable[[FloatArray], Any], value: Any) -> Any:
    if isinstance(value, list):
        return [_map(change, item) for item in value]
    is_float = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return np.asarray(change(value)) if is_float else value


def _add(value: Any, direction: Any, step: float) -> Any:
    if isinstance(value, list):
        return [_add(a, v, step) for a, v in zip(value, direction, strict=True)]
    return value if direction is None else np.asarray(value + step * direction)


def _leaves(value: Any) -> list[FloatArray]:
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]
