"""Which known mistake gives what an implementation gives.

Every mistake of :mod:`cnnpy.check.mistakes` is a whole implementation, so the question has
an answer without any guess: run it on the cases that were tried, and compare. A mistake is
a suspect as long as the implementation is wrong in just its way wherever the mistake shows.
It is named where the suspects, a few together, account for everything that is wrong, with a
result at least; one that breaks where the other gives wrong numbers, only where none does not.
Two that show in one result give what neither gives alone; such pairs are run as one
(:mod:`~cnnpy.check.together`). What an error says by itself is named first
(:mod:`~cnnpy.check.breakages`), and hides nothing of the cases that it does not break.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from cnnpy.check.at_lines import AT_ITS_LINE, ELSEWHERE, SOMEWHERE, where_it_broke
from cnnpy.check.beside import LEAST, Fit, Seen
from cnnpy.check.breakages import OF_OTHER_DAYS, Breakage
from cnnpy.check.case import Case
from cnnpy.check.mistakes import MISTAKES, Mistake
from cnnpy.check.observe import Observation
from cnnpy.check.results import is_of_backward, results_of, right_of
from cnnpy.check.rows import SANDWICHES, row_of
from cnnpy.check.together import Together, together_of

__all__ = ["Diagnosis", "diagnose"]

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
    op: str,
    observations: Sequence[Observation],
    by_autograd: bool = False,
    alone: bool = False,
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
    alone : bool
        Whether two in one result are not looked for, which takes longest.

    Returns
    -------
    Diagnosis or None
        None where nothing known accounts for all that is wrong with any result.
    """
    order = _hardest_first([o for o in observations if not o.is_at_the_edge])
    never = _never_computed(order)
    seen = [Seen.of_observation(o, never) for o in order]
    if by_autograd and any("forward" in s.wrong for s in seen):
        seen = [s.of_forward() for s in seen]
    wrong = {(k, place) for k, s in enumerate(seen) for place in s.wrong}
    broken = _broken(seen)
    if not wrong:
        return _of_breakages(broken, seen)
    returns = {part: any(s.returns(part) for s in seen) for part in _PARTS}
    known = [m for m in MISTAKES.values() if m.op == op]
    suspects = [suspect for m in known for suspect in _at_their_lines(m, seen, returns)]
    found = _in_whole(_free_of_doubt(suspects), wrong)
    if found is None and not alone:
        passes = {_pass_of(place) for place in _places(wrong)}
        varied = list({s.of.probe.property: s for s in reversed(seen)}.values())
        way = cache(lambda mistake, unit: [_way(mistake, one, unit) for one in varied])
        pairs = [
            pair for pair in together_of(op) if passes & set(pair.made_in) and _may_be(pair, way)
        ]
        suspects += [s for pair in pairs for s in _at_their_lines(pair, seen, returns)]
        found = _explained(_free_of_doubt(suspects), wrong)
        if found is None or found.rest:
            found = _explained(suspects, wrong)
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


def _explained(suspects: Sequence[_Suspect], wrong: set[tuple[int, str]]) -> Diagnosis | None:
    return _in_whole(suspects, wrong) or _in_part(suspects, wrong)


def _in_whole(suspects: Sequence[_Suspect], wrong: set[tuple[int, str]]) -> Diagnosis | None:
    """Name the fewest mistakes that account for all that is wrong."""
    for n in range(1, MOST_TOGETHER + 1):
        fitting = [together for together in _combined(suspects, n) if _shown(together) == wrong]
        if fitting:
            return _best(fitting)
    return None


# --- what has a name by itself --------------------------------------------------------------


def _never_computed(observations: Sequence[Observation]) -> dict[str, str]:
    """List the gradients that are None in every case, or zero; all where none is written yet."""
    asked = [o for o in observations if o.outcome.gradients]
    names = {name for o in asked for name in o.outcome.gradients}
    none = {n for n in names if all(o.outcome.gradients.get(n) is None for o in asked)}
    wanted = {n for n in none if any(right_of(o).get(f"d{n}") is not None for o in observations)}
    zero = {n for n in names - none if _is_zero_wherever_it_should_not_be(n, asked)}
    given = dict.fromkeys(names if none == names else wanted, "None") | dict.fromkeys(zero, "zero")
    return {f"d{n}": left_as for n, left_as in given.items()}


def _is_zero_wherever_it_should_not_be(name: str, observations: Sequence[Observation]) -> bool:
    pairs = [(o.outcome.gradients.get(name), right_of(o).get(f"d{name}")) for o in observations]
    arrays = [(got, want) for got, want in pairs if isinstance(want, np.ndarray)]
    if not all(isinstance(got, np.ndarray) and got.dtype.kind in "fiu" for got, _ in arrays):
        return False
    moved = sum(bool(np.any(want)) for _, want in arrays)
    return moved >= _OFTEN and not any(np.any(got) for got, _ in arrays)


_OFTEN = 3
"""In how many cases a gradient has to be zero that should not be."""


def _broken(seen: Sequence[Seen]) -> dict[Mistake | Breakage, frozenset[str]]:
    """Give what breaks passes and has a name by itself, with the places where it shows."""
    first: dict[tuple[str, str], Breakage] = {}  # one line may break in several words
    found: dict[Mistake | Breakage, frozenset[str]] = {}
    for one in seen:
        for place, breakage in one.named.items():
            told = first.setdefault((breakage.name, breakage.mend), breakage)
            found[told] = found.get(told, frozenset()) | {place}
    return found


def _of_breakages(
    broken: Mapping[Mistake | Breakage, frozenset[str]], seen: Sequence[Seen]
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
        Whether an array of a wrong shape in the library stands for an error in backward.
    apart : int
        Whether it does in a result, 1, or an error in the library for such an array, 2.
    is_doubtful : bool
        Whether one of the two broke where the other gave wrong numbers, or another wrong shape
        where no numbers speak.
    behind : frozenset of str
        Names of the mistakes that are made in backward alone.
    broke_at : int
        Whether it broke in a line where the mistake breaks.
    """

    mistakes: tuple[Mistake, ...]
    shows: frozenset[tuple[int, str]]
    is_whole: bool
    is_exact: bool
    is_sure: bool
    is_bent: bool
    apart: int
    is_doubtful: bool
    behind: frozenset[str] = frozenset()
    broke_at: int = SOMEWHERE

    def made_at(self, place: str) -> tuple[Mistake, ...]:
        """Give the mistakes that may show in a result."""
        here = is_of_backward(place)
        return tuple(m for m in self.mistakes if here or m.name not in self.behind)

    @property
    def rank(self) -> tuple[int, ...]:
        """Order suspects: the plainest first."""
        unlike = self.is_bent, not self.is_exact, self.apart
        return (len(self.mistakes), not self.is_whole, self.broke_at, *unlike)


def _suspects(
    mistake: Mistake | Together, seen: Sequence[Seen], returns: Mapping[str, bool]
) -> Iterator[_Suspect]:
    """Give the ways in which an implementation may make a mistake: in one pass, in both."""
    made_in = mistake.made_in
    # what forward hands on may be wrong in backward too
    parts = _PARTS if "forward" in made_in else made_in
    parts = tuple(part for part in parts if returns[part])  # else nothing can be told
    alone = _alone(mistake) if returns["backward"] else ()
    fits = {part: Fit() for part in (*parts, *alone)}
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
            max(2 * (good[part].loose > 0) or good[part].broken > 0 for part in way),
            any(good[part].is_doubtful for part in way),
            mistake.behind if isinstance(mistake, Together) else frozenset(),
        )
    if "backward" not in good:
        yield from _in_some_gradients(mistake, good.get("forward"), in_one)


def _at_their_lines(
    mistake: Mistake | Together, seen: Sequence[Seen], returns: Mapping[str, bool]
) -> Iterator[_Suspect]:
    """Leave out those that break in another line than the implementation."""
    for suspect in _suspects(mistake, seen, returns):
        lines = {
            failure.code
            for k, place in suspect.shows
            for failure in [seen[k].of.outcome.failure]
            if failure is not None and failure.where == _pass_of(place)
        }
        broke_at = where_it_broke(_names([suspect]), lines)
        if broke_at != ELSEWHERE:
            yield replace(suspect, broke_at=broke_at)


def _free_of_doubt(suspects: Sequence[_Suspect]) -> list[_Suspect]:
    def is_free(s: _Suspect) -> bool:
        return not s.is_doubtful or (s.is_bent and s.broke_at == AT_ITS_LINE)

    return list(filter(is_free, suspects))


_FIRST = 12
"""In one of how many of the hardest cases a mistake in one gradient alone has to show."""


def _may_be(pair: Together, way: Callable[[Mistake | Together, str], Sequence[str]]) -> bool:
    """Tell by each mistake alone whether a pair may fit: without running it.

    Where one of the two does not show, the pair gives what the other gives; of two that give
    numbers where an implementation gives a wrong shape, neither breaks anything. `way` says how an
    implementation compares with a mistake in one pass or gradient, case by case.
    """
    if not pair.parts:  # neither may be made in the library's way
        return True
    return any(
        any(a for a, _ in ways)
        and any(b for _, b in ways)
        and not {way for both in ways for way in both} <= {"", _ODD}
        and not any((a == _UNLIKE and not b) or (b == _UNLIKE and not a) for a, b in ways)
        for unit in (*pair.made_in, *_alone(pair))
        for ways in [list(zip(*(way(part, unit) for part in pair.parts), strict=True))]
    )


_LIKE, _UNLIKE, _ODD = "like", "unlike", "odd"


def _way(mistake: Mistake | Together, one: Seen, part: str) -> str:
    """Tell whether an implementation is wrong in a mistake's way: empty where that is right."""
    places = one.beside(results_of(mistake, one.of.case, one.of.dout), part)
    if places is None:
        return _UNLIKE
    return "" if not places else _ODD if set(places.values()) == {_ODD} else _LIKE


def _alone(mistake: Mistake | Together) -> tuple[str, ...]:
    """Name the gradients of which one alone may be wrong in a mistake's way."""
    if "backward" not in mistake.made_in or mistake.op in SANDWICHES:
        return ()
    names = row_of(mistake.op).gradients
    return tuple(f"d{name}" for name in names) if len(names) > 1 else ()


def _in_some_gradients(
    mistake: Mistake | Together, forward: Fit | None, fits: Mapping[str, Fit]
) -> Iterator[_Suspect]:
    """Give a mistake that is made on the way to one gradient alone, by its numbers.

    One of both passes is made in forward too, and in all gradients that it fits.
    """
    fitting = [
        fit
        for fit in fits.values()
        if fit.holds
        and not (fit.breaks > fit.bent or fit.doubtful or fit.odd)
        and fit.equal >= LEAST
    ]
    together = [[fit] for fit in fitting]
    if "forward" in mistake.made_in:
        is_plain = forward is not None and forward.is_exact
        together = [[forward, *fitting]] if is_plain and forward and fitting else []
    for some in together:
        mistakes = mistake.mistakes if isinstance(mistake, Together) else (mistake,)
        shows = frozenset().union(*(fit.shows for fit in some))
        behind = mistake.behind if isinstance(mistake, Together) else frozenset()
        is_bent = any(fit.bent > 0 for fit in some)
        yield _Suspect(mistakes, shows, False, True, True, is_bent, 0, False, behind)


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
        for place in _places(s.shows):
            for mistake in s.made_at(place):
                made[mistake] = made.get(mistake, frozenset()) | {place}
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
            return tuple(m for s in together for _, place in here for m in s.made_at(place))
        return ()
    return ()


def _pass_of(place: str) -> str:
    return "backward" if is_of_backward(place) else "forward"


def _size(case: Case) -> int:
    return sum(a.size for a in case.arrays.values() if isinstance(a, np.ndarray))
