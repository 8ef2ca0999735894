"""Which known mistake gives what an implementation gives.

Every mistake of :mod:`cnnpy.check.mistakes` is a whole implementation, so the question has
an answer without any guess: run it on the cases that were tried, and compare. A mistake is
a suspect as long as the implementation is wrong in just its way wherever the mistake shows.
It is named where the suspects, one or two together, account for everything that is wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.compare import allowed
from cnnpy.check.mistakes import MISTAKES, Mistake
from cnnpy.check.observe import Observation, lenient
from cnnpy.check.rows import row_of
from cnnpy.check.truth import as_list
from cnnpy.contract.dtypes import FloatArray

__all__ = ["Diagnosis", "diagnose", "results_of"]

MOST_TOGETHER = 2
"""How many mistakes are looked for at once."""


@dataclass(frozen=True)
class Diagnosis:
    """What accounts for what is wrong.

    Parameters
    ----------
    mistakes : mapping
        By mistake that is made, the places where it shows: ``forward``, ``dx``, ...
    also : tuple of tuple of Mistake
        Other explanations that fit what was tried as well.
    rest : frozenset of str
        Places where something is wrong that no known mistake accounts for.
    """

    mistakes: Mapping[Mistake, frozenset[str]]
    also: tuple[tuple[Mistake, ...], ...] = ()
    rest: frozenset[str] = frozenset()


def diagnose(op: str, observations: Sequence[Observation]) -> Diagnosis | None:
    """Name the mistakes that give what was seen.

    Parameters
    ----------
    op : str
        A name of ``OPS``.
    observations : sequence of Observation
        All that was tried.

    Returns
    -------
    Diagnosis or None
        None where nothing known accounts for all that is wrong with any result.
    """
    # where something is wrong most suspects fall at once, and small cases cost least
    judged = [o for o in observations if not o.is_at_the_edge]
    order = sorted(judged, key=lambda o: (not o.wrong(), _size(o.case)))
    wrong = {(k, place) for k, o in enumerate(order) for place in _wrong_places(o)}
    if not wrong:
        return None
    covers: dict[str, set[tuple[int, str]]] = {}
    for mistake in MISTAKES.values():
        if mistake.op == op:
            shows = _where_it_shows(mistake, order)
            if shows:
                covers[mistake.name] = shows
    for n in range(1, MOST_TOGETHER + 1):
        fitting = [
            tuple(MISTAKES[name] for name in names)
            for names in itertools.combinations(covers, n)
            if set().union(*(covers[name] for name in names)) == wrong
        ]
        if fitting:
            made = {m: _places(covers[m.name]) for m in fitting[0]}
            return Diagnosis(made, tuple(fitting[1:]))
    return _in_part(covers, wrong)


def _places(where: Iterable[tuple[int, str]]) -> frozenset[str]:
    return frozenset(place for _, place in where)


def _in_part(
    covers: Mapping[str, set[tuple[int, str]]], wrong: set[tuple[int, str]]
) -> Diagnosis | None:
    """Name what accounts for all that is wrong with one result; leave the rest without a name."""
    made: dict[Mistake, frozenset[str]] = {}
    rest = set()
    for place in sorted(_places(wrong)):
        here = {(k, p) for k, p in wrong if p == place}
        whole = [name for name, shows in covers.items() if here <= shows <= wrong]
        if len(whole) == 1:
            mistake = MISTAKES[whole[0]]
            made[mistake] = made.get(mistake, frozenset()) | {place}
        else:
            rest.add(place)
    return Diagnosis(made, (), frozenset(rest)) if made else None


def _where_it_shows(
    mistake: Mistake, observations: Sequence[Observation]
) -> set[tuple[int, str]] | None:
    """Give where a mistake shows; None where the implementation is not wrong in its way."""
    shows = set()
    for k, o in enumerate(observations):
        makes = results_of(mistake, o.case, o.dout)
        right, got = _right(o), _got(o)
        for place, value in makes.items():
            if _alike(o, place, value, right.get(place, _NOTHING)):
                continue
            if place not in got and "backward" not in got and not o.outcome.gradients:
                continue  # its backward pass was not asked
            if place not in got or not _alike(o, place, got[place], value):
                return None
            shows.add((k, place))
    return shows


def _wrong_places(observation: Observation) -> Iterator[str]:
    right, got = _right(observation), _got(observation)
    conventions = {g.finding.where for g in observation.findings if g.convention is not None}
    for place, value in got.items():
        if place not in right and not isinstance(value, _Raised):
            continue  # nothing is right here
        alike = _alike(observation, place, value, right.get(place, _NOTHING))
        if not alike and place not in conventions:
            yield place


# --- results, place by place ---------------------------------------------------------------


class _Raised:
    """Stand for the result of a pass that raised or came to no end."""


_RAISED, _NOTHING = _Raised(), object()


def results_of(mistake: Mistake, case: Case, dout: FloatArray) -> dict[str, Any]:
    """Run a mistake on a case.

    Parameters
    ----------
    mistake : Mistake
        What to run.
    case : Case
        Inputs and options.
    dout : ndarray of the shape of the right output
        The gradient to send back.

    Returns
    -------
    dict
        By place: ``forward``, ``d<input>``, and the names of updated arrays. A pass that
        raises gives a token, and nothing comes behind it.
    """
    own = case.map(np.copy)
    with np.errstate(all="ignore"):
        try:
            out, cache = mistake.forward(*own.positional(), **own.keywords())
        except Exception:
            return {"forward": _RAISED}
        found: dict[str, Any] = {"forward": out, **_updated(own)}
        try:
            gradients = as_list(case.op, mistake.backward(dout.copy(), cache))
        except Exception:
            return {**found, "backward": _RAISED}
    return found | {f"d{n}": g for n, g in zip(row_of(case.op).gradients, gradients, strict=False)}


def _updated(case: Case) -> dict[str, Any]:
    names = [i.name for i in row_of(case.op).keyword if i.kind.name == "UPDATED"]
    return {name: case.arrays[name] for name in names if case.arrays[name] is not None}


def _right(o: Observation) -> dict[str, Any]:
    gradients = zip(row_of(o.case.op).gradients, o.truth.gradients, strict=True)
    return {"forward": o.truth.out, **o.truth.updated} | {f"d{n}": g for n, g in gradients}


def _got(o: Observation) -> dict[str, Any]:
    outcome = o.outcome
    if outcome.out is None:
        return {"forward": _RAISED}
    found: dict[str, Any] = {"forward": outcome.out, **_told(outcome.updated)}
    if outcome.failure is not None or outcome.form is not None:
        return {**found, "backward": _RAISED}
    return found | {f"d{name}": g for name, g in outcome.gradients.items()}


def _told(updated: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in updated.items() if value is not None}


def _alike(o: Observation, place: str, a: Any, b: Any) -> bool:
    """Tell whether two results are the same but for rounding."""
    if a is _NOTHING or b is _NOTHING or isinstance(a, _Raised) or isinstance(b, _Raised):
        return a is b
    if a is None or b is None:
        return a is b
    if isinstance(a, list | tuple) or isinstance(b, list | tuple):
        both = isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b)
        return both and all(_alike(o, place, x, y) for x, y in zip(a, b, strict=True))
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype.kind not in "fiub" or b.dtype.kind not in "fiub":
        return False
    a, b = a.astype(np.float64), b.astype(np.float64)
    finite = np.isfinite(a) & np.isfinite(b)
    if np.isfinite(a).all() != np.isfinite(b).all():
        return False
    with np.errstate(invalid="ignore"):  # how far infinity spreads depends on the way
        near = (a == b) | (np.abs(a - b) <= _distance(o, place, b))
    return bool(np.all(near | ~finite))


def _distance(o: Observation, place: str, want: FloatArray) -> FloatArray:
    """Give how far apart two ways to the same result may be: as far as from the right one."""
    tolerance, dtype = lenient(o.case.op, o.probe.rounds_to()), np.dtype(o.probe.rounds_to())
    right, bound = _right(o).get(place), _bound(o, place)
    if right is None or isinstance(right, list) or np.shape(right) != want.shape:
        right, bound = np.abs(want), np.full(want.shape, np.abs(want).max(initial=1.0))
        right = np.where(np.isfinite(right), right, 0.0)
        bound = right if tolerance.rule == "scale" else bound
    if tolerance.rule != "scale" and bound is None:
        bound = np.full(want.shape, np.abs(right).max(initial=1.0))
    return allowed(tolerance, dtype, np.asarray(right, dtype=np.float64), bound, 1.0)


def _bound(o: Observation, place: str) -> Any:
    if place == "forward":
        return o.truth.out_bound
    names = [f"d{name}" for name in row_of(o.case.op).gradients]
    return o.truth.gradient_bounds[names.index(place)] if place in names else None


def _size(case: Case) -> int:
    return sum(a.size for a in case.arrays.values() if isinstance(a, np.ndarray))
