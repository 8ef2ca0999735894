"""A probe: one case that is tried, and the property that it is tried for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from cnnpy.check.case import Case, RandomHand

__all__ = ["Builder", "Plan", "Probe", "variants"]


class Probe(NamedTuple):
    """One case to try.

    Parameters
    ----------
    property : str
        What it is to show: a row of the report.
    case : Case
        Inputs in float64, and options.
    dtype : type
        The dtype to call with.
    layout : str
        The memory layout to call with.
    edge : bool
        Whether a refusal is fair here, whatever the dialect says.
    """

    property: str
    case: Case
    dtype: type[np.floating[Any]] = np.float64
    layout: str = "contiguous"
    edge: bool = False


Plan = Callable[[RandomHand], Iterator[Probe]]
"""Gives the probes of an op that are always tried."""

Builder = Callable[..., Case]
"""Makes a case from a few sizes, with the rest as in an ordinary one."""


def variants(build: Builder, name: str, *changes: dict[str, Any]) -> Iterator[Probe]:
    """Give a probe for each change of an ordinary case.

    Parameters
    ----------
    build : callable
        Makes the case.
    name : str
        The property.
    *changes : dict
        What to make otherwise.

    Yields
    ------
    Probe
        One a change.
    """
    for change in changes:
        yield Probe(name, build(**change))
