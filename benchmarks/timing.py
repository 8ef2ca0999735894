"""Time contenders in turn, and compare them round by round."""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

OURS = "ours"
Times = list[float]


@dataclass(frozen=True)
class Row:
    """One timed thing: a pass, a training step or an inference.

    Parameters
    ----------
    label, part : str
        The case, and which of its passes.
    work : float
        What is done in one call: FLOPs, or images.
    times : mapping of str to list of float
        Seconds of each contender in each round. The name is ``<who>`` or
        ``<who>/<form>``, for who can be run in several forms.
    others: float
        CPUs that other programs kept busy meanwhile.
    notes : list of str
        Who was left out, and why.
    """

    label: str
    part: str
    work: float
    times: Mapping[str, Times]
    others: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The case and its pass."""
        return f"{self.label} {self.part}".strip()

    def as_json(self) -> dict[str, Any]:
        """Give the fields as JSON has them."""
        return asdict(self)

    def best_form(self, who: str) -> str | None:
        """Name the contender that is the quickest form of `who`, by the median."""
        forms = [name for name in self.times if name.partition("/")[0] == who]
        return min(forms, key=lambda name: statistics.median(self.times[name]), default=None)


@dataclass(frozen=True)
class Ratio:
    """How often as long the other takes as we do; above 1 we are ahead."""

    of_minima: float
    of_medians: float
    of_rounds: float
    """The median of the ratios of each round: what decides, since a machine drifts."""


USES_BLAS = frozenset({"im2col"})
BLAS_SETTLES_S = 0.25
"""OpenBLAS's threads doze and come back: who ran next had a fifth of a core less."""

_TICKS_S = 0.012
"""What a thread computes on another core is counted at the system's next tick, at most 10 ms
later: who looks sooner takes a spinning thread for a sleeping one."""


def row_in_turns(
    label: str,
    part: str,
    work: float,
    contenders: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
) -> Row:
    """Time one call of each contender a round.

    Threads of other libraries spin for a while after a call and take a core from
    whoever comes next. So each turn begins when they have stopped, with a call that is
    not timed before the one that is.

    Parameters
    ----------
    label, part : str
        The case, and which of its passes.
    work : float
        What is done in one call: FLOPs, or images.
    contenders : mapping of str to callable
        By name, in the order of their turns.
    rounds : int
        How often each has its turn.

    Returns
    -------
    Row
        With all times.
    """
    for run in contenders.values():  # caches, code and memory are warm before round one
        run()
    times: dict[str, Times] = {name: [] for name in contenders}
    watch = _OtherPrograms()
    for _ in range(rounds):
        for name, run in contenders.items():
            _wait_for_spinning_threads()
            run()
            began = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - began)
            if name in USES_BLAS:
                time.sleep(BLAS_SETTLES_S)
    return Row(label, part, work, times, watch.cpus())


def _wait_for_spinning_threads() -> None:
    """Sleep until no thread of this process computes: 12 ms at least, 1 s at most.

    OpenMP's threads spin for some 3 ms after a call, those of ONNX Runtime for 40, those
    of OpenBLAS for 100.
    """
    deadline = time.perf_counter() + 1.0
    while time.perf_counter() < deadline:
        computed = time.process_time()
        time.sleep(_TICKS_S)
        if time.process_time() - computed < 0.3e-3:
            return


class _OtherPrograms:
    """Watch how many CPUs are kept busy by anything but this process.

    Who waits for threads by spinning suffers out of all proportion where another
    program holds one of its cores; such a comparison is not worth a line.
    """

    def __init__(self) -> None:
        self.began, self.others_began = time.perf_counter(), self._others_s()

    def cpus(self) -> float:
        """Return the number since the beginning, 0 where the system does not tell."""
        passed = time.perf_counter() - self.began
        return max(0.0, (self._others_s() - self.others_began) / passed)

    @staticmethod
    def _others_s() -> float:
        try:
            fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        except OSError:
            return 0.0
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
        busy = user + nice + system + irq + softirq + steal
        return busy / os.sysconf("SC_CLK_TCK") - time.process_time()


def ratio(theirs: Times, ours: Times) -> Ratio:
    """Compare two contenders of the same rounds.

    Parameters
    ----------
    theirs, ours : list of float
        Seconds, a round each.

    Returns
    -------
    Ratio
        Theirs over ours.
    """
    return Ratio(
        min(theirs) / min(ours),
        statistics.median(theirs) / statistics.median(ours),
        statistics.median(t / o for t, o in zip(theirs, ours, strict=True)),
    )


def geometric_mean(values: Iterable[float]) -> float:
    """Return the mean that treats twice and half as fast alike."""
    return math.exp(statistics.fmean(map(math.log, values)))
