"""A trial: everything that is tried on one implementation, and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cnnpy.check.agreement import agreement
from cnnpy.check.breakages import are_other_arguments
from cnnpy.check.diagnose import Diagnosis, diagnose
from cnnpy.check.dialects import Found
from cnnpy.check.lines import Source
from cnnpy.check.observe import Grade, Observation, observe, settle
from cnnpy.check.outcome import Caller
from cnnpy.check.pace import is_said_to_be_fast, pace
from cnnpy.check.plans import AT, Plan, Probe, plan_of
from cnnpy.check.plans.cutting import smaller_than

__all__ = ["Effort", "Trial", "try_out"]


@dataclass(frozen=True)
class Effort:
    """How much is tried.

    Parameters
    ----------
    drawn : int
        How many cases are drawn over an op's whole domain, beside its properties.
    seconds : float
        How long one op may take; what is not tried by then is left out and told.
    """

    drawn: int
    seconds: float


@dataclass
class Trial:
    """What came of it.

    Parameters
    ----------
    found : Found
        The implementation.
    observations : list of Observation
        One a probe that could be put into its words.
    untried : int
        Probes that were left out for want of time.
    diagnosis : Diagnosis or None
        What accounts for everything that is wrong.
    smallest : dict
        By place where something is wrong, the smallest case that shows it.
    smallest_tie, smallest_convention : dict
        The same for ties, and where another convention than ours is followed.
    agreement : dict
        Where forward is wrong, by input, whether its gradient is right for that forward.
    sources : dict
        By function, what is written in its file, where that is known.
    pace : float or None
        Of one that calls itself fast and is right, its seconds over those of plain loops.
    divided : Trial or None
        Where sizes that are floats break it, the same with a division that gives whole ones.
    """

    found: Found
    observations: list[Observation] = field(default_factory=list)
    untried: int = 0
    diagnosis: Diagnosis | None = None
    smallest: dict[str, Observation] = field(default_factory=dict)
    smallest_tie: dict[str, Observation] = field(default_factory=dict)
    smallest_convention: dict[str, Observation] = field(default_factory=dict)
    agreement: dict[str, bool] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    pace: float | None = None
    divided: Trial | None = None

    @property
    def has_float_sizes(self) -> bool:
        """Tell whether a size that is a float broke it, on arrays of floats."""
        failures = (o.outcome.failure for o in self.observations if not o.is_at_the_edge)
        return any(failure is not None and failure.is_of_a_float_size for failure in failures)

    @property
    def may_be_a_slip(self) -> bool:
        """Tell whether it is code of today that returns or raises, on arrays of floats."""
        failures = (o.outcome.failure for o in self.observations if not o.is_at_the_edge)
        return not any(f is not None and (f.mend is not None or f.is_an_end) for f in failures)

    @property
    def grade(self) -> Grade | None:
        """Give the gravest grade; None where all is as it should be."""
        return max((o.grade for o in self.observations if o.grade is not None), default=None)

    @property
    def says_something(self) -> bool:
        """Tell whether anything could be tried on something that is written."""
        return bool(self.observations) and not self.is_empty

    @property
    def is_empty(self) -> bool:
        """Tell whether it was never written: it gives None for everything."""
        outcomes = [o.outcome for o in self.observations]
        return bool(outcomes) and all(
            o.out is None and o.failure is None and o.form is None for o in outcomes
        )

    @property
    def lacks_backward(self) -> bool:
        """Tell whether backward was never written: all its gradients are None."""
        asked = [o.outcome for o in self.observations if o.outcome.gradients]
        return bool(asked) and all(g is None for o in asked for g in o.gradients.values())


def try_out(found: Found, caller: Caller, effort: Effort, seed: int = 0) -> Trial:
    """Try everything on one implementation.

    Parameters
    ----------
    found : Found
        The implementation.
    caller : Caller
        Who calls it.
    effort : Effort
        How much to try.
    seed : int
        Of all that is drawn.

    Returns
    -------
    Trial
        What came of it.
    """
    deadline = time.monotonic() + effort.seconds
    found = _in_its_dialect(found, caller, seed)
    plan = plan_of(found.dialect.op)
    trial = Trial(found)
    probes = list(plan.probes(seed, effort.drawn))
    ends = 0
    for k, probe in enumerate(probes):
        late = time.monotonic() > deadline or ends >= MOST_ENDS
        if trial.observations and late:  # one at least
            trial.untried = len(probes) - k
            break
        seen = observe(found, caller, plan, probe)
        if seen is not None:
            trial.observations.append(seen)
            ends += seen.outcome.failure is not None and seen.outcome.failure.is_an_end
    trial.observations = settle(found, trial.observations)
    if trial.lacks_backward:
        trial.observations = [_of_forward(o) for o in trial.observations]
    if trial.grade is not Grade.WRONG and trial.says_something and is_said_to_be_fast(found):
        trial.pace = pace(found, caller)
    if trial.is_empty:
        return trial
    for grade, smallest in (
        (Grade.WRONG, trial.smallest),
        (Grade.TIE, trial.smallest_tie),
        (Grade.NOTICE, trial.smallest_convention),
    ):
        until = max(deadline, time.monotonic() + _SHRINK_S)
        shrink = _Shrink(found, caller, plan, until, grade)
        for place in sorted({p for o in trial.observations for p in shrink.places(o)}):
            smallest[place] = shrink.smallest(trial.observations, place)
    if trial.smallest:
        trial.diagnosis = diagnose(
            found.dialect.op, trial.observations, found.dialect.is_sent_back_by_autograd
        )
    if "forward" in trial.smallest and plan.op not in _BY_CHANCE:
        trial.agreement = agreement(found, caller, trial.smallest["forward"])
    return trial


_BY_CHANCE = ("dropout",)
"""Ops whose forward pass is another one each time."""

MOST_ENDS = 3
"""How often a process may end, or not return, before no more is tried."""

_SHRINK_S = 2.0


def _of_forward(o: Observation) -> Observation:
    """Leave out what is found of gradients, where there are none yet."""
    of_forward = ("forward", *o.truth.updated)
    return replace(o, findings=tuple(g for g in o.findings if g.finding.where in of_forward))


def _in_its_dialect(found: Found, caller: Caller, seed: int) -> Found:
    """Choose, where functions of these names are called in several ways, the one that works."""
    candidates = [replace(found, dialect=d) for d in (found.dialect, *found.others)]
    if len(candidates) == 1:
        return found
    best: tuple[tuple[int, bool], Found] | None = None
    for candidate in candidates:
        if best is not None and candidate.dialect.is_a_last_resort and best[0][0] < _NOT_CALLED:
            continue
        wrong, plan = 0, plan_of(candidate.dialect.op)
        observations: list[Observation] = []
        for probe in plan.probes(seed, 1):
            if len(observations) == _ENOUGH:
                break
            seen = observe(candidate, caller, plan, probe)
            if seen is not None:
                observations.append(seen)
            if seen is None or seen.grade is not Grade.WRONG:
                continue
            failure = seen.outcome.failure
            if failure is not None and failure.is_an_end:  # whichever way it is called
                return candidate
            gave_none = failure is not None or seen.outcome.form is not None
            here = _CALLED_WRONGLY if seen.outcome.out is None else _BROKEN
            wrong += here if gave_none else 1
            wrong += _NOT_CALLED * are_other_arguments(failure)
        if not observations:
            continue
        has_no_name = wrong > 0 and diagnose(candidate.dialect.op, observations) is None
        if best is None or (wrong, has_no_name) < best[0]:
            best = (wrong, has_no_name), candidate
    return found if best is None else best[1]


_CALLED_WRONGLY, _BROKEN, _NOT_CALLED = 10, 2, 100
"""How much more than wrong numbers an error speaks against a way of calling: in forward, in
backward, which is called alike in most ways, and where the call itself is refused."""

_ENOUGH = 3
"""How many cases tell which way of calling works."""


# --- the smallest case that shows it -------------------------------------------------------


class _Shrink:
    """Makes a case smaller as long as the same thing is wrong with one result.

    Sizes are lowered one by one, each as far as it goes, until none can be lowered or time is
    up. A case over which the process ends is left as it is: it would end over each of the others.
    """

    def __init__(
        self, found: Found, caller: Caller, plan: Plan, deadline: float, grade: Grade
    ) -> None:
        self.found, self.caller, self.plan = found, caller, plan
        self.deadline, self.grade = deadline, grade

    def places(self, o: Observation) -> set[str]:
        """Name the results of which something of the grade is to be shown."""
        return {p for p in o.places(self.grade) if self._kinds(o, p)}

    def smallest(self, observations: Sequence[Observation], place: str) -> Observation:
        """Find the smallest case that shows something of the grade at a place."""
        seen = sorted((o for o in observations if self._kinds(o, place)), key=_weight)
        # one of the whole domain is cut, and its values are no plain ones
        sized = [o for o in seen if AT not in o.probe.sizes][:1] or seen[:1]
        return min([*(self._lowest(o, place) for o in sized), seen[0]], key=_weight)

    def _lowest(self, smallest: Observation, place: str) -> Observation:
        failure = smallest.outcome.failure
        if failure is not None and failure.is_an_end:
            return smallest
        kinds = self._kinds(smallest, place)
        for _ in range(4):
            before = smallest
            drawn = self.plan.is_drawn(smallest.probe)
            names = smaller_than(smallest.case) if drawn else self.plan.smaller
            for name, values in names.items():
                for value in values:
                    smaller = self._lowered(smallest, {name: value}, place, kinds)
                    if smaller is not None:
                        smallest = smaller
                        break
            if smallest is before:
                break
        return smallest

    def _lowered(
        self, o: Observation, change: dict[str, Any], place: str, kinds: set[str]
    ) -> Observation | None:
        """Try a case with one size lowered, with a few other values too."""
        for more in range(_SEEDS):
            sizes = {**o.probe.sizes, **change}
            seen = self._try(o.probe._replace(sizes=sizes, seed=o.probe.seed + more))
            if seen is None or _weight(seen) >= _weight(o):
                return None
            if kinds & self._kinds(seen, place):
                return seen
        return None

    def _kinds(self, o: Observation, place: str) -> set[str]:
        here = (g for g in o.findings if g.grade is self.grade and g.finding.where == place)
        # of notices those alone that show in numbers
        told = (g for g in here if g.grade is not Grade.NOTICE or g.convention is not None)
        return {g.finding.kind for g in told}

    def _try(self, probe: Probe) -> Observation | None:
        if time.monotonic() > self.deadline:
            return None
        try:
            return observe(self.found, self.caller, self.plan, probe)
        except ValueError:  # sizes that do not fit together
            return None


_SEEDS = 3
"""With how many values a smaller case is tried: not all values show a mistake."""


def _weight(o: Observation) -> tuple[float, ...]:
    """Weigh a case by how long one would work on it by hand; arrays of nothing show nothing."""
    sizes = o.probe.sizes
    rows = (a if isinstance(a, list | tuple) else [a] for a in o.case.arrays.values())
    each = [a.size for row in rows for a in row if hasattr(a, "size")]
    numbers, is_empty = sum(each), 0 in each
    names = ("stride", "padding", "dilation", "HH", "WW")
    said = o.case.options if plan_of(o.case.op).is_drawn(o.probe) else sizes
    options: list[Any] = [said.get(name, 1) or 0 for name in names]
    plain = _PLAIN.get(str(sizes.get("values", "floats")), 3)
    work = numbers + sum(v if isinstance(v, int) else sum(v) for v in options)
    return is_empty, work, plain


_PLAIN = {"ones": 0, "counting": 1, "shuffled": 1, "integers": 2}
