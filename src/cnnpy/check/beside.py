"""One implementation beside one mistake: whether it is wrong in that one's way.

Forward passes that count their places wrongly break in one style and give an array of another
shape in another: either is the same mistake.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnpy.check.breakages import (
    Breakage,
    breakage_of,
    laid_flat,
    never_computed,
    no_array,
    one_mask_for_all,
    returns_none,
)
from cnnpy.check.by_order import read_by_order
from cnnpy.check.observe import Observation
from cnnpy.check.results import (
    NOTHING,
    RAISED,
    Raised,
    are_alike,
    got_of,
    have_one_shape,
    is_of_backward,
    is_updated,
    right_of,
)

__all__ = ["LEAST", "Fit", "Seen"]


class _UnlikeError(Exception):
    """Say that an implementation is not wrong in a mistake's way where that shows."""


@dataclass
class Fit:
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
    equal, broke, broken, loose, bent, doubtful, odd : int
        How often both gave the same; both raised; the implementation raised and the mistake gave
        an array of a wrong shape, in forward or of that gradient; the other way round; one of the
        two in backward as a whole; one broke and the other did not; one gave an array of a wrong
        shape, and the other wrong numbers in the right one.
    """

    shows: set[tuple[int, str]] = field(default_factory=set)
    holds: bool = True
    equal: int = 0
    broke: int = 0
    broken: int = 0
    loose: int = 0
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
        return not (self.breaks or self.doubtful or self.odd)

    @property
    def breaks(self) -> int:
        """Count where one of the two broke and the other too, or gave a wrong shape."""
        return self.broke + self.broken + self.loose + self.bent

    @property
    def is_doubtful(self) -> bool:
        """Tell whether one of the two gave wrong numbers, or a shape, where the other broke."""
        return bool(self.doubtful or self.odd or (self.bent and not self.equal))

    @property
    def is_sure(self) -> bool:
        """Tell whether numbers speak more often than there is a doubt."""
        return self.equal > self.doubtful + self.odd

    def is_likely(self, returns: bool) -> bool:
        """Tell whether the mistake may be named; `returns` where the pass ever came to an end."""
        if not self.holds or not self.shows:
            return False
        if _DOUBTS * self.odd > self.breaks:
            return False
        often = self.breaks > self.bent or self.bent >= LEAST
        breaks = often and _DOUBTS * (self.doubtful + self.odd) <= self.breaks
        return self.is_sure or (returns and breaks)


_DOUBTS = 4
"""How many times as often both have to break as one alone, where no numbers speak."""

LEAST = 2
"""How many cases it takes where they say less: an error for a wrong shape, one gradient alone."""


@dataclass(frozen=True)
class Seen:
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
    by_convention : frozenset of str
        The places where it follows another convention, which is not wrong.
    """

    of: Observation
    right: Mapping[str, Any]
    got: Mapping[str, Any]
    wrong: frozenset[str]
    named: Mapping[str, Breakage] = field(default_factory=dict)
    by_convention: frozenset[str] = frozenset()

    @classmethod
    def of_observation(cls, o: Observation, never: Mapping[str, str]) -> Seen:
        """Take an observation apart; `never` are the gradients that nobody computed.

        Each is left as something: ``None`` or ``zero``.
        """
        right = right_of(o)
        got = _answerable(got_of(o), right)
        wrong = frozenset(_wrong_places(o, got, right))
        none = {place for place, left_as in never.items() if left_as == "None"}
        missing = {place for place in got if place in none}
        is_written = not none or any(p not in none for p in got if is_of_backward(p))
        left = sorted(p for p in wrong & set(never) if is_written or p not in none)
        named = {place: never_computed(place, never[place]) for place in left}
        of_forms = {p: laid_flat(p, got[p]) or no_array(p, got[p], right.get(p)) for p in wrong}
        named |= {place: breakage for place, breakage in of_forms.items() if breakage is not None}
        failure = o.outcome.failure
        breakage = breakage_of(failure, o.case)
        if failure is not None and breakage is not None and failure.where in wrong:
            named[failure.where] = breakage
        nothing = returns_none(o.outcome.form)
        named |= {} if nothing is None else dict.fromkeys(wrong, nothing)
        shared = one_mask_for_all(o.case, o.outcome.out)
        named |= {} if shared is None else {"forward": shared}
        by_order = read_by_order(o)
        if by_order is not None:  # what else is wrong there cannot be seen
            named = dict.fromkeys(wrong, by_order)
        got = {place: value for place, value in got.items() if place not in missing | set(named)}
        return cls(o, right, got, wrong - missing - set(named), named, _by_convention(o))

    def of_forward(self) -> Seen:
        """Leave out the backward pass."""
        wrong = frozenset(p for p in self.wrong if not is_of_backward(p))
        parts = (
            {p: v for p, v in values.items() if not is_of_backward(p)}
            for values in (self.right, self.got, self.named)
        )
        right, got, named = parts
        return Seen(self.of, right, got, wrong, named, self.by_convention)

    def returns(self, part: str) -> bool:
        """Tell whether a pass came to an end."""
        if part == "forward":
            return not isinstance(self.got.get("forward", RAISED), Raised)
        return bool(self.of.outcome.gradients) and "backward" not in self.got

    def beside(self, made: Mapping[str, Any], part: str) -> dict[str, str] | None:
        """Compare what a mistake makes of one pass with what the implementation made.

        Returns
        -------
        dict or None
            By place where the mistake shows, how the two compare: a field of `Fit`; None
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
        if not isinstance(self.got["forward"], Raised) and len(made) > 1:
            places |= self._alike_or_not({k: v for k, v in made.items() if is_updated(k)})
        return places

    def _gradient(self, made: Mapping[str, Any], place: str) -> dict[str, str]:
        if place not in self.got:  # it was not asked for, or it broke, here or before
            value = made.get(place, NOTHING)
            if "backward" not in self.got or value is NOTHING or self._is_right(place, value):
                return {}
            is_bent = self._how_broken({place: value}, "bent") == "bent"
            return {"backward": "bent"} if is_bent else {}
        if place not in made:
            raise _UnlikeError
        return self._alike_or_not({place: made[place]})

    def _backward(self, made: Mapping[str, Any]) -> dict[str, str]:
        gradients = {k: v for k, v in made.items() if is_of_backward(k)}
        if not gradients or not any(is_of_backward(k) for k in self.got):
            return {}  # one of the two was not asked
        if "backward" in self.got:
            shows = {k: v for k, v in gradients.items() if not self._is_right(k, v)}
            return {"backward": self._how_broken(shows, "bent")} if shows else {}
        if "backward" in made:
            shows = {k: self.got[k] for k in self.wrong if is_of_backward(k)}
            if not shows:
                raise _UnlikeError
            return dict.fromkeys(shows, "doubtful")
        return self._alike_or_not(gradients)

    def _alike_or_not(self, made: Mapping[str, Any]) -> dict[str, str]:
        places = {}
        for place, value in made.items():
            is_hidden = place in self.named or (is_of_backward(place) and place not in self.got)
            if is_hidden or self._is_right(place, value):
                continue
            got = self.got.get(place, NOTHING)
            if got is NOTHING or self._is_right(place, got):
                raise _UnlikeError
            if isinstance(got, Raised) or isinstance(value, Raised):
                other, bent = (value, "broken") if isinstance(got, Raised) else (got, "loose")
                places[place] = self._how_broken({place: other}, bent)
            elif are_alike(self.of, place, got, value) or self._both_of_one_wrong_shape(
                place, got, value
            ):
                if place not in self.by_convention:  # where a mistake may follow one too
                    places[place] = "equal"
            elif self._is_broken(place, value) != self._is_broken(place, got):
                places[place] = "odd"  # a wrong shape may be spread over the right one
            else:
                raise _UnlikeError
        return places

    def _how_broken(self, others: Mapping[str, Any], bent: str) -> str:
        """Tell what it says that one of the two raised, by what the other gave."""
        if any(isinstance(other, Raised) for other in others.values()):
            return "broke"
        failure = self.of.outcome.failure
        of_shapes = failure is None or bool({"ValueError", "IndexError"} & set(failure.kinds))
        is_bent = all(self._is_broken(place, other) for place, other in others.items())
        return bent if is_bent and of_shapes else "doubtful"

    def _is_right(self, place: str, value: Any) -> bool:
        return are_alike(self.of, place, value, self.right.get(place, NOTHING))

    def _is_broken(self, place: str, value: Any) -> bool:
        return isinstance(value, Raised) or not have_one_shape(value, self.right.get(place))

    def _both_of_one_wrong_shape(self, place: str, a: Any, b: Any) -> bool:
        """Tell whether both have one shape that is not right: there the numbers say little."""
        return self._is_broken(place, a) and have_one_shape(a, b)


def _answerable(results: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out a backward pass whose dout was not of the shape that its forward pass gave."""
    if have_one_shape(results["forward"], right["forward"]):
        return dict(results)
    return {k: v for k, v in results.items() if not is_of_backward(k)}


def _wrong_places(
    o: Observation, got: Mapping[str, Any], right: Mapping[str, Any]
) -> Iterator[str]:
    for place, value in got.items():
        if place not in right and not isinstance(value, Raised):
            continue  # nothing is right here
        alike = are_alike(o, place, value, right.get(place, NOTHING))
        if not alike and place not in _by_convention(o):
            yield place


def _by_convention(o: Observation) -> frozenset[str]:
    return frozenset(g.finding.where for g in o.findings if g.convention is not None)
