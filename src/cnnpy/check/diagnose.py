"""Which known mistake gives what an implementation gives.

Every mistake of :mod:`cnnpy.check.mistakes` is a whole implementation, so the question has
an answer without any guess: run it on the cases that were tried, and compare. A mistake is
a suspect as long as the implementation is wrong in just its way wherever the mistake shows.
It is named where the suspects, a few together, account for everything that is wrong, with a
result at least. Two that show in one result give what neither gives alone; such pairs are run
as one (:mod:`~cnnpy.check.together`). What an error says by itself is named first
(:mod:`~cnnpy.check.breakages`), and hides nothing of the cases that it does not break.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from cnnpy.check.breakages import OF_OTHER_DAYS, Breakage, breakage_of, never_computed
from cnnpy.check.case import Case
from cnnpy.check.compare import allowed
from cnnpy.check.mistakes import MISTAKES, Mistake
from cnnpy.check.observe import Observation, lenient
from cnnpy.check.rows import SANDWICHES, row_of
from cnnpy.check.together import Together, together_of
from cnnpy.check.truth import as_list
from cnnpy.contract.dtypes import FloatArray

__all__ = ["Diagnosis", "diagnose", "results_of"]

MOST_TOGETHER = 3
"""How many mistakes are looked for at once, in both passes together."""

MOST_IN_A_RESULT = 2
"""How many mistakes are looked for in one result, where others have no name."""


@dataclass(frozen=True)
class Diagnosis:
    """What accounts for what is wrong.

    Parameters
    ----------
    mistakes : mapping
        By mistake that is made, or breakage, the places where it shows: ``forward``, ``dx``, ...
    also : tuple of tuple of Mistake
        Other explanations that fit what was tried as well.
    rest : frozenset of str
        Places where something is wrong that no known mistake accounts for.
    """

    mistakes: Mapping[Mistake | Breakage, frozenset[str]]
    also: tuple[tuple[Mistake, ...], ...] = ()
    rest: frozenset[str] = frozenset()


def diagnose(
    op: str, observations: Sequence[Observation], by_autograd: bool = False
) -> Diagnosis | None:
    """Name the mistakes that give what was seen.

    Parameters
    ----------
    op : str
        A name of ``OPS``, or of a sandwich.
    observations : sequence of Observation
        All that was tried.
    by_autograd : bool
        Whether backward follows from forward: where that is wrong, it alone is looked at.

    Returns
    -------
    Diagnosis or None
        None where nothing known accounts for all that is wrong with any result.
    """
    order = _hardest_first([o for o in observations if not o.is_at_the_edge])
    never = _never_computed(order)
    seen = [_Seen.of_observation(o, never) for o in order]
    if by_autograd and any("forward" in s.wrong for s in seen):
        seen = [s.of_forward() for s in seen]
    wrong = {(k, place) for k, s in enumerate(seen) for place in s.wrong}
    broken = _broken(seen)
    if not wrong:
        return _of_breakages(broken, seen)
    returns = {part: any(s.returns(part) for s in seen) for part in _PARTS}
    known = [m for m in MISTAKES.values() if m.op == op]
    suspects = [suspect for m in known for suspect in _suspects(m, seen, returns)]
    found = _in_whole(suspects, wrong)
    if found is None:
        passes = {_pass_of(place) for place in _places(wrong)}
        varied = list({s.of.probe.property: s for s in reversed(seen)}.values())
        pairs = [
            pair for pair in together_of(op) if passes & set(pair.made_in) and _may_be(pair, varied)
        ]
        suspects += [suspect for pair in pairs for suspect in _suspects(pair, seen, returns)]
        found = _in_whole(suspects, wrong) or _in_part(suspects, wrong)
    if found is None:
        return Diagnosis(broken, (), _places(wrong)) if broken else None
    return Diagnosis({**broken, **found.mistakes}, found.also, found.rest)


def _hardest_first(observations: Sequence[Observation]) -> list[Observation]:
    """Order what was tried so that most suspects fall at once: wrong, right, wrong, right, ...

    One falls where it is not wrong in the same way, the other where it is wrong alone; small
    cases cost least.
    """
    by_size = sorted(observations, key=lambda o: _size(o.case))
    wrong, right = (
        [o for o in by_size if bool(o.wrong()) is is_wrong] for is_wrong in (True, False)
    )
    pairs = itertools.zip_longest(wrong, right)
    return [o for pair in pairs for o in pair if o is not None]


def _in_whole(suspects: Sequence[_Suspect], wrong: set[tuple[int, str]]) -> Diagnosis | None:
    """Name the fewest mistakes that account for all that is wrong."""
    for n in range(1, MOST_TOGETHER + 1):
        fitting = [together for together in _combined(suspects, n) if _shown(together) == wrong]
        if fitting:
            return _best(fitting)
    return None


# --- what has a name by itself --------------------------------------------------------------


def _never_computed(observations: Sequence[Observation]) -> frozenset[str]:
    """List the gradients that are None in every case; all of them where none is written yet."""
    asked = [o.outcome.gradients for o in observations if o.outcome.gradients]
    names = {name for gradients in asked for name in gradients}
    none = {n for n in names if all(gradients.get(n) is None for gradients in asked)}
    wanted = {n for n in none if any(_right(o).get(f"d{n}") is not None for o in observations)}
    return frozenset(f"d{n}" for n in (names if none == names else wanted))


def _broken(seen: Sequence[_Seen]) -> dict[Mistake | Breakage, frozenset[str]]:
    """Give what breaks passes and has a name by itself, with the places where it shows."""
    found: dict[Mistake | Breakage, frozenset[str]] = {}
    for one in seen:
        for place, breakage in one.named.items():
            found[breakage] = found.get(breakage, frozenset()) | {place}
    return found


def _of_breakages(
    broken: Mapping[Mistake | Breakage, frozenset[str]], seen: Sequence[_Seen]
) -> Diagnosis | None:
    """Name what breaks passes where nothing else is wrong; None for code of other days."""
    passes = {"forward" if "forward" in s.named else "backward" for s in seen if s.named}
    ended = any(s.returns(part) for part in passes for s in seen)
    of_other_days = all(b.name in OF_OTHER_DAYS for b in broken)
    return None if not broken or (of_other_days and not ended) else Diagnosis(broken)


# --- suspects ------------------------------------------------------------------------------


_PARTS = ("forward", "backward")


@dataclass(frozen=True)
class _Suspect:
    """A mistake, made in some passes, that an implementation makes wherever it shows.

    Parameters
    ----------
    mistakes : tuple of Mistake
        Which one, or which two in one result.
    shows : frozenset of (int, str)
        Where it shows: the observation and the result.
    is_whole : bool
        Whether it is made in all passes that it can be made in.
    is_exact : bool
        Whether nothing raised that gives numbers in the library, or the other way round.
    is_sure : bool
        Whether the same numbers came more often than such a doubt.
    is_bent : bool
        Whether an array of a wrong shape in the library stands for an error.
    """

    mistakes: tuple[Mistake, ...]
    shows: frozenset[tuple[int, str]]
    is_whole: bool
    is_exact: bool
    is_sure: bool
    is_bent: bool

    @property
    def rank(self) -> tuple[int, bool, bool, bool]:
        """Order suspects: the plainest first."""
        return (len(self.mistakes), not self.is_whole, self.is_bent, not self.is_exact)


def _suspects(
    mistake: Mistake | Together, seen: Sequence[_Seen], returns: Mapping[str, bool]
) -> Iterator[_Suspect]:
    """Give the ways in which an implementation may make a mistake: in one pass, in both."""
    made_in = mistake.made_in
    # what forward hands on may be wrong in backward too
    parts = _PARTS if "forward" in made_in else made_in
    parts = tuple(part for part in parts if returns[part])  # else nothing can be told
    alone = _alone(mistake) if returns["backward"] else ()
    fits = {part: _Fit() for part in (*parts, *alone)}
    for k, one in enumerate(seen):
        if k == _FIRST:  # most of what is tried in one gradient alone shows in none
            for part in (part for part in alone if not fits[part].shows):
                fits[part].holds = False
        fitting = [part for part, fit in fits.items() if fit.holds]
        if not set(fitting) & {*made_in, *alone}:
            return
        made = results_of(mistake, one.of.case, one.of.dout)
        for part in fitting:
            fits[part].add(k, one.beside(made, part))
    in_one = {place: fits.pop(place) for place in alone}
    good = {part: fit for part, fit in fits.items() if fit.is_likely(returns[part])}
    shown = [part for part, fit in fits.items() if not fit.holds or fit.shows]
    ways = [tuple(shown)] if shown and all(part in good for part in shown) else []
    if len(shown) > 1:
        ways += [(part,) for part in good if part in made_in]
    for way in ways:
        yield _Suspect(
            mistake.mistakes if isinstance(mistake, Together) else (mistake,),
            frozenset().union(*(good[part].shows for part in way)),
            way == tuple(shown),
            all(good[part].is_exact for part in way),
            all(good[part].is_exact or good[part].is_sure for part in way),
            any(good[part].bent > 0 for part in way),
        )
    if "backward" not in good:
        yield from _in_one_gradient(mistake, in_one)


_FIRST = 12
"""In one of how many of the hardest cases a mistake in one gradient alone has to show."""


def _may_be(pair: Together, seen: Sequence[_Seen]) -> bool:
    """Tell by each mistake alone whether a pair may fit: without running it.

    Where one of the two does not show, the pair gives what the other gives.
    """
    if pair.way or len(pair.mistakes) == 1:  # neither may be made in the library's way
        return True
    return any(
        any(a for a, _ in ways)
        and any(b for _, b in ways)
        and not any((a == _UNLIKE and not b) or (b == _UNLIKE and not a) for a, b in ways)
        for unit in (*pair.made_in, *_alone(pair))
        for ways in [
            [(_way(first, one, unit), _way(second, one, unit)) for one in seen]
            for first, second in [pair.mistakes]
        ]
    )


_LIKE, _UNLIKE = "like", "unlike"


def _way(mistake: Mistake, one: _Seen, part: str) -> str:
    """Tell whether an implementation is wrong in a mistake's way: empty where that is right."""
    places = one.beside(results_of(mistake, one.of.case, one.of.dout), part)
    return _UNLIKE if places is None else _LIKE if places else ""


def _alone(mistake: Mistake | Together) -> tuple[str, ...]:
    """Name the gradients of which one alone may be wrong in a mistake's way."""
    if mistake.made_in != ("backward",) or mistake.op in SANDWICHES:
        return ()
    names = row_of(mistake.op).gradients
    return tuple(f"d{name}" for name in names) if len(names) > 1 else ()


def _in_one_gradient(mistake: Mistake | Together, fits: Mapping[str, _Fit]) -> Iterator[_Suspect]:
    """Give a mistake that is made on the way to one gradient alone: by its numbers only."""
    for fit in fits.values():
        if fit.holds and fit.is_exact and fit.equal >= _LEAST:
            mistakes = mistake.mistakes if isinstance(mistake, Together) else (mistake,)
            yield _Suspect(mistakes, frozenset(fit.shows), False, True, True, False)


def _combined(suspects: Sequence[_Suspect], n: int) -> Iterator[tuple[_Suspect, ...]]:
    for together in itertools.combinations(suspects, n):
        if len(_names(together)) == sum(len(s.mistakes) for s in together):
            yield together


def _names(together: Iterable[_Suspect]) -> frozenset[str]:
    return frozenset(m.name for s in together for m in s.mistakes)


def _shown(together: Iterable[_Suspect]) -> set[tuple[int, str]]:
    return set().union(*(s.shows for s in together))


def _best(fitting: Sequence[tuple[_Suspect, ...]]) -> Diagnosis:
    """Choose the plainest explanations; the first is told, the others beside it."""

    def rank(together: tuple[_Suspect, ...]) -> tuple[int, ...]:
        return tuple(map(sum, zip(*(s.rank for s in together), strict=True)))

    least = min(map(rank, fitting))
    plainest = [together for together in fitting if rank(together) == least]
    first, *others = {_names(together): together for together in plainest}.values()
    made: dict[Mistake | Breakage, frozenset[str]] = {}
    for s in first:
        for mistake in s.mistakes:
            made[mistake] = made.get(mistake, frozenset()) | _places(s.shows)
    also = (tuple(m for s in other for m in s.mistakes) for other in others)
    return Diagnosis(made, tuple(also))


def _places(where: Iterable[tuple[int, str]]) -> frozenset[str]:
    return frozenset(place for _, place in where)


def _in_part(suspects: Sequence[_Suspect], wrong: set[tuple[int, str]]) -> Diagnosis | None:
    """Name what accounts for all that is wrong with one result; leave the rest without a name."""
    made: dict[Mistake | Breakage, frozenset[str]] = {}
    rest = set()
    for place in sorted(_places(wrong)):
        best = _of_a_result({(k, p) for k, p in wrong if p == place}, suspects, wrong)
        for mistake in best:
            made[mistake] = made.get(mistake, frozenset()) | {place}
        if not best:
            rest.add(place)
    return Diagnosis(made, (), frozenset(rest)) if made else None


def _of_a_result(
    here: set[tuple[int, str]], suspects: Sequence[_Suspect], wrong: set[tuple[int, str]]
) -> tuple[Mistake, ...]:
    """Give the mistakes that account for all that is wrong with a result; none where unsure."""
    sure = [s for s in suspects if s.is_sure and s.shows & here and s.shows <= wrong]
    for n in range(1, MOST_IN_A_RESULT + 1):
        fitting = [together for together in _combined(sure, n) if here <= _shown(together)]
        if not fitting:
            continue
        least = min(sorted(s.rank for s in together) for together in fitting)
        best = {
            _names(together): together
            for together in fitting
            if sorted(s.rank for s in together) == least
        }
        if len(best) == 1:
            (together,) = best.values()
            return tuple(m for s in together for m in s.mistakes)
        return ()
    return ()


# --- one observation beside what a mistake makes of its case -------------------------------


class _UnlikeError(Exception):
    """Say that an implementation is not wrong in a mistake's way where that shows."""


@dataclass
class _Fit:
    """How an implementation and a mistake compare in one pass, over all that was tried.

    Forward passes that count their places wrongly break in one style and give an array of
    another shape in another: either is the same mistake. Else where one raises and the other
    gives something wrong they may be the same, if equal numbers elsewhere say so.

    Parameters
    ----------
    shows : set of (int, str)
        Where the mistake shows.
    holds : bool
        Whether the implementation was wrong there each time.
    equal, broken, bent, doubtful, odd : int
        How often both gave the same; broke, each in its way; one broke backward and the other
        gave an array of a wrong shape; one broke and the other did not; one gave an array of a
        wrong shape, and the other wrong numbers in the right one.
    """

    shows: set[tuple[int, str]] = field(default_factory=set)
    holds: bool = True
    equal: int = 0
    broken: int = 0
    bent: int = 0
    doubtful: int = 0
    odd: int = 0

    def add(self, k: int, places: Mapping[str, str] | None) -> None:
        """Take in the k-th observation: how the results compare, None where they do not."""
        if places is None:
            self.holds = False
            return
        self.shows |= {(k, place) for place in places}
        for how in places.values():
            setattr(self, how, getattr(self, how) + 1)

    @property
    def is_exact(self) -> bool:
        """Tell whether each result was the same."""
        return not (self.broken or self.bent or self.doubtful or self.odd)

    @property
    def is_sure(self) -> bool:
        """Tell whether numbers speak more often than there is a doubt."""
        return self.equal > self.doubtful + self.odd

    def is_likely(self, returns: bool) -> bool:
        """Tell whether the mistake may be named; `returns` where the pass ever came to an end."""
        if not self.holds or not self.shows:
            return False
        broken = self.broken + self.bent
        if _DOUBTS * self.odd > broken:
            return False
        often = self.broken > 0 or self.bent >= _LEAST
        breaks = often and _DOUBTS * (self.doubtful + self.odd) <= broken
        return self.equal > 0 or (returns and breaks)


_DOUBTS = 4
"""How many times as often both have to break as one alone, where no numbers speak."""

_LEAST = 2
"""How many cases it takes where they say less: an error for a wrong shape, one gradient alone."""


@dataclass(frozen=True)
class _Seen:
    """An observation as places with results.

    Parameters
    ----------
    of : Observation
        What was seen.
    right, got : mapping
        By place, the definition's result and the implementation's.
    wrong : frozenset of str
        The places where the implementation is wrong.
    named : mapping
        By place, what is wrong there and has a name by itself; it stands in none of the others.
    """

    of: Observation
    right: Mapping[str, Any]
    got: Mapping[str, Any]
    wrong: frozenset[str]
    named: Mapping[str, Breakage] = field(default_factory=dict)

    @classmethod
    def of_observation(cls, o: Observation, never: frozenset[str]) -> _Seen:
        """Take an observation apart; `never` are the gradients that nobody computed."""
        right = _right(o)
        got = _answerable(_got(o), right)
        wrong = frozenset(_wrong_places(o, got, right))
        missing = {place for place in got if place in never}
        is_written = not never or any(p not in never for p in got if _is_of_backward(p))
        named = {place: never_computed(place) for place in wrong & never if is_written}
        failure = o.outcome.failure
        breakage = breakage_of(failure)
        if failure is not None and breakage is not None and failure.where in wrong:
            named[failure.where] = breakage
        got = {place: value for place, value in got.items() if place not in missing | set(named)}
        return cls(o, right, got, wrong - missing - set(named), named)

    def of_forward(self) -> _Seen:
        """Leave out the backward pass."""
        wrong = frozenset(p for p in self.wrong if not _is_of_backward(p))
        parts = (
            {p: v for p, v in values.items() if not _is_of_backward(p)}
            for values in (self.right, self.got, self.named)
        )
        right, got, named = parts
        return _Seen(self.of, right, got, wrong, named)

    def returns(self, part: str) -> bool:
        """Tell whether a pass came to an end."""
        if part == "forward":
            return not isinstance(self.got.get("forward", _RAISED), _Raised)
        return bool(self.of.outcome.gradients) and "backward" not in self.got

    def beside(self, made: Mapping[str, Any], part: str) -> dict[str, str] | None:
        """Compare what a mistake makes of one pass with what the implementation made.

        Returns
        -------
        dict or None
            By place where the mistake shows, how the two compare: a field of `_Fit`; None
            where the implementation is not wrong in the mistake's way.
        """
        try:
            if part == "forward":
                return self._forward(made)
            return self._backward(made) if part == "backward" else self._gradient(made, part)
        except _UnlikeError:
            return None

    def _forward(self, made: Mapping[str, Any]) -> dict[str, str]:
        if "forward" in self.named:
            return {}  # it cannot be seen behind what breaks the pass
        places = self._alike_or_not({"forward": made["forward"]})
        if not isinstance(self.got["forward"], _Raised) and len(made) > 1:
            places |= self._alike_or_not({k: v for k, v in made.items() if _is_updated(k)})
        return places

    def _gradient(self, made: Mapping[str, Any], place: str) -> dict[str, str]:
        if place not in self.got:
            return {}  # it was not asked for, or what came before it broke
        if place not in made:
            raise _UnlikeError
        return self._alike_or_not({place: made[place]})

    def _backward(self, made: Mapping[str, Any]) -> dict[str, str]:
        gradients = {k: v for k, v in made.items() if _is_of_backward(k)}
        if not gradients or not any(_is_of_backward(k) for k in self.got):
            return {}  # one of the two was not asked
        if "backward" in self.got:
            shows = {k: v for k, v in gradients.items() if not self._is_right(k, v)}
            return {"backward": self._how_broken(shows, "bent")} if shows else {}
        if "backward" in made:
            shows = {k: self.got[k] for k in self.wrong if _is_of_backward(k)}
            if not shows:
                raise _UnlikeError
            return dict.fromkeys(shows, "doubtful")
        return self._alike_or_not(gradients)

    def _alike_or_not(self, made: Mapping[str, Any]) -> dict[str, str]:
        places = {}
        for place, value in made.items():
            is_hidden = place in self.named or (_is_of_backward(place) and place not in self.got)
            if is_hidden or self._is_right(place, value):
                continue
            got = self.got.get(place, _NOTHING)
            if got is _NOTHING or self._is_right(place, got):
                raise _UnlikeError
            if isinstance(got, _Raised) or isinstance(value, _Raised):
                other = value if isinstance(got, _Raised) else got
                places[place] = self._how_broken({place: other}, "broken")
            elif _alike(self.of, place, got, value) or self._both_of_one_wrong_shape(
                place, got, value
            ):
                places[place] = "equal"
            elif self._is_broken(place, value) != self._is_broken(place, got):
                places[place] = "odd"  # a wrong shape may be spread over the right one
            else:
                raise _UnlikeError
        return places

    def _how_broken(self, others: Mapping[str, Any], bent: str) -> str:
        """Tell what it says that one of the two raised, by what the other gave."""
        if any(isinstance(other, _Raised) for other in others.values()):
            return "broken"
        failure = self.of.outcome.failure
        of_shapes = failure is None or bool({"ValueError", "IndexError"} & set(failure.kinds))
        is_bent = any(self._is_broken(place, other) for place, other in others.items())
        return bent if is_bent and of_shapes else "doubtful"

    def _is_right(self, place: str, value: Any) -> bool:
        return _alike(self.of, place, value, self.right.get(place, _NOTHING))

    def _is_broken(self, place: str, value: Any) -> bool:
        return isinstance(value, _Raised) or not _same_shape(value, self.right.get(place))

    def _both_of_one_wrong_shape(self, place: str, a: Any, b: Any) -> bool:
        """Tell whether both have one shape that is not right: there the numbers say little."""
        return self._is_broken(place, a) and _same_shape(a, b)


def _answerable(results: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out a backward pass whose dout was not of the shape that its forward pass gave."""
    if _same_shape(results["forward"], right["forward"]):
        return dict(results)
    return {k: v for k, v in results.items() if not _is_of_backward(k)}


def _is_of_backward(place: str) -> bool:
    return place == "backward" or place.startswith("d")


def _pass_of(place: str) -> str:
    return "backward" if _is_of_backward(place) else "forward"


def _is_updated(place: str) -> bool:
    return place != "forward" and not _is_of_backward(place)


def _same_shape(a: Any, b: Any) -> bool:
    return not any(v is None or isinstance(v, _Raised | list) for v in (a, b)) and (
        np.shape(a) == np.shape(b)
    )


def _wrong_places(
    o: Observation, got: Mapping[str, Any], right: Mapping[str, Any]
) -> Iterator[str]:
    conventions = {g.finding.where for g in o.findings if g.convention is not None}
    for place, value in got.items():
        if place not in right and not isinstance(value, _Raised):
            continue  # nothing is right here
        alike = _alike(o, place, value, right.get(place, _NOTHING))
        if not alike and place not in conventions:
            yield place


# --- results, place by place ---------------------------------------------------------------


class _Raised:
    """Stand for the result of a pass that raised or came to no end."""


_RAISED, _NOTHING = _Raised(), object()


def results_of(mistake: Mistake | Together, case: Case, dout: FloatArray) -> dict[str, Any]:
    """Run a mistake on a case.

    Parameters
    ----------
    mistake : Mistake or Together
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
    numbers = (_written(case.arrays), repr(case.options), dout.tobytes())
    return _results_of(_Question(mistake, numbers, case, dout))


@dataclass(frozen=True)
class _Question:
    """Which mistake on which case: equal where all the numbers are."""

    mistake: Mistake | Together
    numbers: Any
    case: Case = field(compare=False)
    dout: FloatArray = field(compare=False)


def _written(value: Any) -> Any:
    """Write arrays down as something that can be compared at once."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, Mapping):
        return tuple((name, _written(v)) for name, v in value.items())
    return tuple(map(_written, value)) if isinstance(value, list | tuple) else value


@lru_cache(maxsize=1 << 13)  # one submission after the other is tried on the same cases
def _results_of(question: _Question) -> dict[str, Any]:
    mistake, case, dout = question.mistake, question.case, question.dout
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
    finite = np.where(np.isfinite(want), np.abs(want), 0.0)
    if right is None or isinstance(right, list) or np.shape(right) != want.shape:
        right = finite
        bound = right if tolerance.rule == "scale" else np.zeros(want.shape)
    if tolerance.rule != "scale":  # what is summed up wrongly may be large where the right is 0
        bound = np.maximum(1.0 if bound is None else np.abs(bound), finite.max(initial=0.0))
    return allowed(tolerance, dtype, np.asarray(right, dtype=np.float64), bound, 1.0)


def _bound(o: Observation, place: str) -> Any:
    if place == "forward":
        return o.truth.out_bound
    names = [f"d{name}" for name in row_of(o.case.op).gradients]
    return o.truth.gradient_bounds[names.index(place)] if place in names else None


def _size(case: Case) -> int:
    return sum(a.size for a in case.arrays.values() if isinstance(a, np.ndarray))
