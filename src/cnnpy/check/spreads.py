"""Normalisations whose spread is made wrongly, as they are written in full: step by step.

The library has each mistake once: a wrong spread goes through the formula of the right one
backward. Others send the gradient through the steps that they took, so that backward is the
gradient of a wrong forward pass; or they make the spread anew in backward, in another way; or
they normalise the wrong groups besides. These are exchanged here, one by one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from cnnpy.check.mistakes import MISTAKES, Mistake
from cnnpy.check.rows import row_of
from cnnpy.contract.dtypes import FloatArray

__all__ = ["Made", "spreads_of"]


class Made(NamedTuple):
    """An implementation, and the mistakes that it makes.

    Parameters
    ----------
    mistakes : tuple of Mistake
        Which ones.
    forward, backward : callable
        The implementation.
    way : str
        How it is written.
    behind : frozenset of str
        Names of the mistakes that are made in backward alone.
    """

    mistakes: tuple[Mistake, ...]
    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], Any]
    way: str
    behind: frozenset[str] = frozenset()


def spreads_of(op: str) -> Iterator[Made]:
    """Combine the steps of a normalisation.

    Parameters
    ----------
    op : str
        A name of ``OPS``; of others than normalisations there are none.

    Yields
    ------
    Made
        What the library does not have by itself.

    Examples
    --------
    >>> {made.way for made in spreads_of("layer_norm")} >= {"its own gradient"}
    True
    >>> list(spreads_of("relu"))
    []
    """
    for ending, groups in _GROUPS.get(op, {}).items():
        for name, rule in _RULES.items():
            if name and f"{op}_{name}" not in MISTAKES:
                continue
            made = [f"{op}_{n}" for n in (_WAYS.get(ending, ending), name) if n]
            for hat, outer in _of_backward(name, ending):
                more = list(_more(op, {hat, outer} - {name}) if hat is not None else ())
                known = tuple(MISTAKES[n] for n in dict.fromkeys([*made, *more]))
                steps = _Steps(groups, rule, _rule(hat), _rule(outer))
                way = "its own gradient"
                if hat is not None:
                    way = f"{hat or 'right'} in x_hat, {outer or 'right'} around it"
                way = f"{ending}: {way}" if ending else way
                if ending:
                    passes = steps.forward, steps.backward
                else:
                    passes = _with(MISTAKES[made[0]] if name else row_of(op), steps)
                yield Made(known, *passes, way, frozenset(more) - set(made))
            if name and not ending:  # dx is right, and dgamma is of the x_hat that is kept
                steps = _Steps(groups, rule, _RIGHT, _RIGHT, keeps_hat=True)
                passes = _with(MISTAKES[made[0]], steps)
                yield Made((MISTAKES[made[0]],), *passes, "x_hat of forward in dgamma alone")


# --- rules of the spread ------------------------------------------------------------------------


class _Rule(NamedTuple):
    """How a spread is made of the variance, and its slope."""

    spread: Callable[[FloatArray, float, int], FloatArray]
    slope: Callable[[FloatArray, float, int], FloatArray]


def _root(variance: Callable[[FloatArray, float, int], FloatArray], factor: Any = None) -> _Rule:
    def spread(var: FloatArray, eps: float, n: int) -> FloatArray:
        return np.sqrt(variance(var, eps, n))

    def slope(var: FloatArray, eps: float, n: int) -> FloatArray:
        return 0.5 / spread(var, eps, n) * (factor(n) if factor is not None else 1)

    return _Rule(spread, slope)


_RIGHT = _root(lambda var, eps, n: var + eps)
_WITHOUT = _root(lambda var, eps, n: var)
_BESIDE = _Rule(lambda var, eps, n: np.sqrt(var) + eps, lambda var, eps, n: 0.5 / np.sqrt(var))
_RULES: Mapping[str, _Rule] = {
    "": _RIGHT,
    "ignores_eps": _WITHOUT,
    "adds_eps_to_the_spread": _BESIDE,
    "adds_eps_to_the_spread_in_training": _BESIDE,
    "adds_eps_twice": _root(lambda var, eps, n: var + 2 * eps),
    "ignores_the_eps_given": _root(lambda var, eps, n: var + 1e-5),
    "divides_by_n_minus_1": _root(
        lambda var, eps, n: var * n / (n - 1) + eps, lambda n: n / (n - 1)
    ),
}
_ANEW = ("", "ignores_eps", "adds_eps_to_the_spread", "adds_eps_twice")
"""How a spread is made anew in backward."""


def _rule(name: str | None) -> _Rule | None:
    return None if name is None else _RULES[name]


def _of_backward(name: str, ending: str) -> Iterator[tuple[str | None, str | None]]:
    """Give the rules of the two spreads in backward, that of x_hat first; None: its gradient."""
    if name:
        yield None, None
    if ending:
        if name or ending in _WAYS:  # else it is the library's own
            yield name, name
        return
    for hat, outer in itertools.product(dict.fromkeys((*_ANEW, name)), repeat=2):
        if not hat == outer == name:
            yield hat, outer


def _more(op: str, rules: set[str | None]) -> Iterator[str]:
    """Name what is wrong with a spread that is made anew."""
    if "ignores_eps" in rules:
        yield f"{op}_ignores_eps_in_backward"
    for name in ("adds_eps_to_the_spread", "adds_eps_twice"):
        if name in rules:
            yield f"{op}_{name}"


# --- what is normalised together ----------------------------------------------------------------

Cut = Callable[[FloatArray, int], FloatArray]
Join = Callable[[FloatArray, tuple[int, ...]], FloatArray]


class _Groups(NamedTuple):
    """How an array is cut into what is normalised together, and along which axes.

    `join` is the way back; where it is not, `cut_again` is the way back from `join`.
    """

    cut: Cut
    axes: tuple[int, ...]
    scale_axis: int | None = 1
    join: Join = lambda parts, shape: parts.reshape(shape)
    cut_again: Cut | None = None


def _by_channel(a: FloatArray, groups: int) -> FloatArray:
    return a.swapaxes(0, 1).reshape(a.shape[1], -1)


def _channels_back(parts: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    N, C, *pixels = shape
    return parts.reshape(C, N, *pixels).swapaxes(0, 1)


def _whole(a: FloatArray, groups: int) -> FloatArray:
    return a.reshape(len(a), groups, -1)


def _by_place(a: FloatArray, groups: int) -> FloatArray:
    return a.reshape(len(a), groups, a.shape[1] // groups, -1)


def _dealt(a: FloatArray, groups: int) -> FloatArray:
    return a.reshape(len(a), a.shape[1] // groups, groups, -1)


def _columns(a: FloatArray, groups: int) -> FloatArray:
    return a.reshape(-1, len(a) * groups)


_TURNED = _Groups(
    _columns,
    (0,),
    join=lambda parts, shape: parts.T.reshape(shape),
    cut_again=lambda a, groups: a.reshape(len(a) * groups, -1).T,
)
_GROUPS: Mapping[str, Mapping[str, _Groups]] = {
    "batch_norm": {"": _Groups(_by_channel, (1,), join=_channels_back)},
    "layer_norm": {"": _Groups(lambda a, _: a.reshape(len(a), -1), (1,), scale_axis=None)},
    "group_norm": {
        "": _Groups(_whole, (2,)),
        "normalises_each_pixel": _Groups(_by_place, (2,)),
        "normalises_each_channel": _Groups(_by_place, (3,)),
        "normalises_over_the_batch": _Groups(_whole, (0, 2)),
        "deals_the_channels_out": _Groups(_dealt, (1, 3)),
        "reshapes_without_the_transpose": _Groups(_columns, (0,)),
        "turned": _TURNED,
    },
}
_WAYS = {"turned": "reshapes_without_the_transpose"}


# --- the steps ----------------------------------------------------------------------------------


class _Cache(NamedTuple):
    x: FloatArray
    gamma: FloatArray | None
    beta: FloatArray | None
    options: Mapping[str, Any]


@dataclass(frozen=True)
class _Steps:
    """A normalisation: its groups, the rules of its spread in forward and in backward.

    `keeps_hat` is for a dgamma that is made of the x_hat of forward.
    """

    groups: _Groups
    rule: _Rule
    hat: _Rule | None
    outer: _Rule | None
    keeps_hat: bool = False

    def forward(self, x: Any, gamma: Any, beta: Any, **options: Any) -> tuple[Any, Any]:
        """Normalise, scale and shift."""
        cache = _Cache(x, gamma, beta, options)
        centred, var, n = self._moments(cache)
        eps = options.get("eps", 1e-5)
        out = self.groups.join(centred / self.rule.spread(var, eps, n), x.shape)
        out = out if gamma is None else out * self._scale(gamma, x)
        return out if beta is None else out + self._scale(beta, x), cache

    def backward(self, dout: Any, cache: Any) -> tuple[Any, Any, Any]:
        """Send the gradient back, in steps."""
        x, gamma, beta, options = cache
        eps = options.get("eps", 1e-5)
        centred, var, n = self._moments(cache)
        hat, outer = self.hat or self.rule, self.outer or self.rule
        x_hat = centred / hat.spread(var, eps, n)
        spread = outer.spread(var, eps, n)
        again = self.groups.cut_again or self.groups.cut
        dx_hat = again(dout if gamma is None else dout * self._scale(gamma, x), self._of(cache))
        mean = dx_hat.mean(axis=self.groups.axes, keepdims=True)
        slope = (dx_hat * x_hat).mean(axis=self.groups.axes, keepdims=True)
        if self.hat is None:  # 1 for the right rule
            slope = slope * 2 * spread * self.rule.slope(var, eps, n)
        dparts = (dx_hat - mean - x_hat * slope) / spread
        cut_only = self.groups.cut_again is not None
        dx = dparts.reshape(x.shape) if cut_only else self.groups.join(dparts, x.shape)
        others = tuple(a for a in range(x.ndim) if a != (self.groups.scale_axis or x.ndim - 1))
        kept = centred / self.rule.spread(var, eps, n) if self.keeps_hat else x_hat
        dgamma = (dout * self.groups.join(kept, x.shape)).sum(axis=others)
        dbeta = dout.sum(axis=others)
        return dx, None if gamma is None else dgamma, None if beta is None else dbeta

    def _moments(self, cache: _Cache) -> tuple[FloatArray, FloatArray, int]:
        parts = self.groups.cut(cache.x, self._of(cache))
        centred = parts - parts.mean(axis=self.groups.axes, keepdims=True)
        var = (centred**2).mean(axis=self.groups.axes, keepdims=True)
        return centred, var, parts.size // max(var.size, 1)

    def _of(self, cache: _Cache) -> int:
        return int(cache.options.get("groups", 1))

    def _scale(self, values: FloatArray, x: FloatArray) -> FloatArray:
        if self.groups.scale_axis is None:
            return values
        return values.reshape(-1, *(1,) * (x.ndim - 2))


def _with(passes: Any, steps: _Steps) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Let the steps follow another forward pass, in training; else nothing is in their hands."""

    def forward(x: Any, gamma: Any, beta: Any, **options: Any) -> tuple[Any, Any]:
        out, inner = passes.forward(x, gamma, beta, **options)
        return out, (inner, _Cache(x, gamma, beta, options))

    def backward(dout: Any, cache: Any) -> Any:
        inner, own = cache
        if not own.options.get("train", True):
            return passes.backward(dout, inner)
        return steps.backward(dout, own)

    return forward, backward
