"""A plan: what is tried on an op, as a table of properties.

A case is built from a few *sizes* (of axes, strides, and so on) and a seed, so that what
is tried can be said in a line, tried again, and made smaller until one can work it by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from cnnpy.check.case import KEYS, MIXED, WHOLE_NUMBERS, Case, Hand, RandomHand
from cnnpy.check.plans.cutting import cut
from cnnpy.check.suite import cases
from cnnpy.contract.ops import OPS

__all__ = ["AT", "Plan", "Probe", "Sizes"]

Sizes = Mapping[str, Any]

AT = "at"
"""The size that stands for all: which case of the op's whole domain is drawn."""


class Probe(NamedTuple):
    """One case to try.

    Parameters
    ----------
    property : str
        What it is to show: a row of the report.
    sizes : mapping
        What it is built from, beside what is ordinary.
    seed : int
        Of its values.
    dtype : type
        The dtype to call with.
    manner : str
        How arguments are handed over; see ``handed_over``.
    """

    property: str
    sizes: Sizes
    seed: int = 0
    dtype: type[np.floating[Any]] = np.float64
    manner: str = "contiguous"

    def rounds_to(self) -> type[np.floating[Any]]:
        """Give the dtype to whose precision results are held.

        Returns
        -------
        type
            The narrowest of those that are handed over.
        """
        return np.float32 if self.manner == MIXED else self.dtype


@dataclass(frozen=True)
class Plan:
    """What is tried on one op.

    Parameters
    ----------
    op : str
        A name of ``OPS``, or of a sandwich.
    build : callable
        ``build(hand, **sizes) -> Case``; every size has an ordinary default.
    properties : mapping
        By property, the sizes that differ from the ordinary ones, one mapping a probe.
    draw : callable
        Draws sizes over the whole domain.
    smaller : mapping
        By size, the values to make it, simplest first.
    apart : mapping
        Sizes with which no two parameters of the op are the same.
    """

    op: str
    build: Callable[..., Case]
    properties: Mapping[str, Sequence[Sizes]]
    draw: Callable[[Hand], dict[str, Any]]
    smaller: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    apart: Sizes = field(default_factory=dict)

    def case(self, probe: Probe) -> Case:
        """Build the case of a probe.

        Parameters
        ----------
        probe : Probe
            Sizes and seed.

        Returns
        -------
        Case
            Inputs in float64, and options.
        """
        if AT in probe.sizes:
            drawn = cases(self.op).draw(RandomHand(probe.sizes[AT]))
            return cut(_without_ties(drawn, probe.seed), probe.sizes)
        if not self.smaller:  # nothing is built from sizes
            return cut(self.build(RandomHand(probe.seed)), probe.sizes)
        return self.build(RandomHand(probe.seed), **probe.sizes)

    def is_drawn(self, probe: Probe) -> bool:
        """Tell whether a case is drawn as a whole, and its sizes are those to cut it to.

        Parameters
        ----------
        probe : Probe
            Sizes and seed.

        Returns
        -------
        bool
            Whether it is.
        """
        return AT in probe.sizes or not self.smaller

    def probes(self, seed: int, drawn: int) -> Iterator[Probe]:
        """Give what is tried: each property by itself, then all at once.

        Parameters
        ----------
        seed : int
            Of values, and of what is drawn.
        drawn : int
            How many are drawn over the whole domain.

        Yields
        ------
        Probe
            In the order of a report.
        """
        for name, changes in self.properties.items():
            for change in changes:
                yield Probe(name, change, seed)
        for ordinary in next(iter(self.properties.values())):
            yield Probe("float32", ordinary, seed, dtype=np.float32)
        for layout in ("channels-last", "every second", "backwards"):
            yield Probe("any memory layout", {}, seed, manner=layout)
        yield Probe("read-only inputs", {}, seed, manner="read-only")
        for manner in KEYS:
            yield Probe("parameters by name", self.apart, seed, manner=manner)
        if "values" in self.smaller:
            for manner in (WHOLE_NUMBERS, MIXED):
                yield Probe(manner, {"values": "shuffled"}, seed, manner=manner)
        hand = RandomHand(seed)
        for k in range(drawn):
            yield Probe("all at once", self.draw(hand), seed + k)
        for k in range(drawn if self.op in OPS else 0):
            yield Probe("the whole domain", {AT: 1000 * seed + k}, seed + k)


_KINKED = ("max_pool2d", "relu", "relu6", "leaky_relu")
"""Ops with conventions for equal values, which have a property of their own."""


def _without_ties(case: Case, seed: int) -> Case:
    if case.op not in _KINKED:
        return case
    rng = np.random.default_rng(seed)
    return case.map(lambda a: np.asarray(a + 1e-3 * rng.standard_normal(a.shape)))
