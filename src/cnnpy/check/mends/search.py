"""The search for the changes that put an implementation right.

One change after the other is made behind the fence and judged on the cases that tell most, the
smallest first. One is kept where something gets better and nothing worse; where it puts everything
right, all that was tried is tried again with it. Where it does not, the search goes on from it, up
to a few changes; or what is left has a name by then.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cnnpy.check.breakages import Breakage
from cnnpy.check.diagnose import Diagnosis, diagnose
from cnnpy.check.dialects import Found
from cnnpy.check.lines import Source
from cnnpy.check.mends.edits import KINDS, Edit, edits_of
from cnnpy.check.mistakes import Mistake
from cnnpy.check.observe import Observation, observe_again, settle
from cnnpy.check.outcome import Caller
from cnnpy.check.patterns import by_property
from cnnpy.check.plans import plan_of
from cnnpy.check.results import is_of_backward

__all__ = ["Rewriter", "mended"]


class Rewriter(Caller, Protocol):
    """Who calls functions, and can put other code behind their names."""

    def rewrite(self, texts: Mapping[str, str]) -> bool:
        """Put other code behind names."""
        ...


MOST_CHANGES = 3
"""How many changes are looked for together."""

MOST_TOLD = 12
"""On how many cases, wrong ones and right ones, a change is tried first."""

_WIDTH, _HALF = 3, 2
"""From how many of the best the search goes on; and what share of what was wrong may be left of
one from which it goes on at once."""

_FIRST = 4
"""On how many of the wrong cases something has to get better."""

_MOST_ENDS = 2
"""Over how many changes the process may end."""


@dataclass(frozen=True)
class _Made:
    """A change that was made.

    Parameters
    ----------
    function : str
        In which function.
    first_line : int
        The line of the file in which it begins.
    edit : Edit
        What it is.
    """

    function: str
    first_line: int
    edit: Edit


@dataclass(frozen=True)
class _State:
    """Functions as they are changed, and how they do.

    Parameters
    ----------
    made : tuple of _Made
        The changes.
    texts : mapping
        By name, the functions that were changed.
    scores : tuple of int
        How far off each case is.
    """

    made: tuple[_Made, ...]
    texts: Mapping[str, str]
    scores: tuple[int, ...]


def mended(
    found: Found,
    observations: Sequence[Observation],
    caller: Rewriter,
    sources: Mapping[str, Source],
    seconds: float,
) -> Diagnosis | None:
    """Find the changes with which everything that was tried is right.

    Parameters
    ----------
    found : Found
        The implementation.
    observations : sequence of Observation
        All that was tried on it.
    caller : Rewriter
        Who calls it; all is as it was in the end.
    sources : mapping
        By function, the source that it stands in.
    seconds : float
        How long to search.

    Returns
    -------
    Diagnosis or None
        The changes, and the known mistakes beside them; None where none were found.
    """
    search = _Search(found, observations, caller, sources, time.monotonic() + seconds)
    try:
        return search.found_out()
    finally:
        caller.rewrite({})


class _Search:
    def __init__(
        self,
        found: Found,
        observations: Sequence[Observation],
        caller: Rewriter,
        sources: Mapping[str, Source],
        deadline: float,
    ) -> None:
        self.found, self.caller, self.deadline = found, caller, deadline
        self.plan = plan_of(found.dialect.op)
        self.all = [o for o in observations if not o.is_at_the_edge]
        self.told = _telling(self.all)
        self.functions = dict(_functions(found, sources))
        self.ends = 0

    def found_out(self) -> Diagnosis | None:
        """Search from the functions as they are."""
        return self._from(_State((), {}, tuple(map(_score, self.told))))

    def _from(self, state: _State) -> Diagnosis | None:
        """Make one change more: go on at once where it mends most, else from the best of all."""
        others: list[_State] = []
        for further in self._better(state):
            if _HALF * sum(further.scores) <= sum(state.scores):
                diagnosis = self._and_on(further)
                if diagnosis is not None:
                    return diagnosis
            else:
                others.append(further)
        others.sort(key=lambda s: sum(s.scores))
        found = (self._and_on(further) for further in others[:_WIDTH])
        return next((diagnosis for diagnosis in found if diagnosis is not None), None)

    def _and_on(self, state: _State) -> Diagnosis | None:
        diagnosis = self._verified(state)
        if diagnosis is not None or not any(state.scores) or len(state.made) == MOST_CHANGES:
            return diagnosis
        return self._from(state)

    def _better(self, state: _State) -> Iterator[_State]:
        """Give the states that one change more leads to, and that are better and not worse."""
        # of a forward pass that is right nothing is looked for before the rest
        is_behind = max(state.scores) < _OF_FORWARD
        names = sorted(self.functions, key=lambda name: is_behind and name == self.found.forward)
        for name in names:
            first_line, text = self.functions[name]
            for edit in edits_of(state.texts.get(name, text)):
                if self._is_over():
                    return
                texts = {**state.texts, name: edit.text}
                scores = self._scores(texts, state.scores)
                if scores is not None:
                    made = _Made(name, first_line, edit)
                    yield _State((*state.made, made), texts, scores)

    def _scores(self, texts: Mapping[str, str], before: Sequence[int]) -> tuple[int, ...] | None:
        """Try a change; None where it makes anything worse, or nothing better soon."""
        if not self.caller.rewrite(texts):
            return None
        scores: list[int] = []
        wrong = 0
        for o, was in zip(self.told, before, strict=True):
            again = self._again(o)
            score = _WORST if again is None or again.is_at_the_edge else _score(again)
            if score > was or self._is_over():
                return None
            scores.append(score)
            wrong += was > 0
            if wrong == _FIRST and not any(a < b for a, b in zip(scores, before, strict=False)):
                return None
        return tuple(scores) if sum(scores) < sum(before) else None

    def _is_over(self) -> bool:
        return time.monotonic() > self.deadline or self.ends > _MOST_ENDS

    def _again(self, o: Observation) -> Observation | None:
        again = observe_again(self.found, self.caller, self.plan, o)
        failure = None if again is None else again.outcome.failure
        self.ends += failure is not None and failure.is_an_end
        return again

    def _verified(self, state: _State) -> Diagnosis | None:
        """Try everything again: nothing is wrong then, or what is has a name."""
        if not self.caller.rewrite(state.texts):
            return None
        again: list[Observation] = []
        for o in self.all:
            seen = self._again(o)
            if seen is None or seen.is_at_the_edge or self._is_over():
                return None
            again.append(seen)
        again = settle(self.found, again)
        left: Diagnosis | None = Diagnosis({})
        if any(o.wrong() for o in again):
            left = diagnose(self.found.dialect.op, again, alone=True)
        if left is None or left.rest:
            return None
        places = frozenset(f.where for o in self.all for f in o.wrong())
        mended = "with this change" if len(state.made) == 1 else "with these changes together"
        so = f"{mended} all {len(self.all)} cases that were tried are right"
        if left.mistakes:
            so = f"{mended} what is still wrong is a known mistake, told here too"
        made: dict[Mistake | Breakage, frozenset[str]] = {
            _told(m, so): self._places(m, places) for m in state.made
        }
        return Diagnosis({**made, **left.mistakes}, left.also)

    def _places(self, made: _Made, places: frozenset[str]) -> frozenset[str]:
        """Give the results that a change may have put right: those of its pass."""
        behind = made.function == self.found.backward
        here = frozenset(p for p in places if is_of_backward(p) is behind)
        return here or places


def _told(made: _Made, so: str) -> Breakage:
    edit = made.edit
    lines = [line + made.first_line - 1 for line in edit.lines]
    where = f"line {lines[0]}" if len(lines) == 1 else f"lines {' and '.join(map(str, lines))}"
    written = (f"line {n} as '{text}'" for n, text in zip(lines, edit.written, strict=True))
    return Breakage(
        edit.kind,
        f"In {where}, {edit.shows}.",
        f"{KINDS[edit.kind].cause} It was found by trying: {so}.",
        f"Write {', '.join(written)}.",
    )


def _telling(observations: Sequence[Observation]) -> list[Observation]:
    """Choose the cases that tell most: of each property the smallest, wrong ones first."""
    by_size = sorted(observations, key=_size)
    wrong = [o for o in by_size if o.wrong()]
    right = [o for o in by_size if not o.wrong()]
    first = [seen[0] for seen in by_property(wrong).values()]
    others = [seen[0] for seen in by_property(right).values()]
    most = [*first, *(o for o in wrong if o not in first)][: MOST_TOLD - 4]
    return [*most, *others[:4]]


def _size(o: Observation) -> int:
    return sum(a.size for a in o.case.arrays.values() if isinstance(a, np.ndarray))


_WORST, _OF_FORWARD = 200, 50


def _score(o: Observation) -> int:
    """Tell how far off a case is: an error is worse than numbers, forward worse than backward."""
    failure, wrong = o.outcome.failure, {f.where for f in o.wrong()}
    if not wrong:
        return 0
    if failure is not None and failure.where == "forward":
        return 100
    if any(not is_of_backward(place) for place in wrong):
        return _OF_FORWARD
    return 20 if failure is not None else len(wrong)


def _functions(
    found: Found, sources: Mapping[str, Source]
) -> Iterator[tuple[str, tuple[int, str]]]:
    """Give the functions of both passes, and those of the file that they call."""
    asked = [name for name in (found.forward, found.backward) if name]
    told = set()
    for name in asked:
        source = sources.get(name)
        if source is None:
            continue
        try:
            tree = ast.parse(source.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        there = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
        own = there.get(name)
        called = (
            []
            if own is None
            else [n.id for n in ast.walk(own) if isinstance(n, ast.Name) and n.id in there]
        )
        for each in dict.fromkeys([name, *called]):
            if each in there and each not in told:
                told.add(each)
                node = there[each]
                text = ast.get_source_segment(source.text, node)
                if text is not None:
                    yield each, (node.lineno + source.before, text)
