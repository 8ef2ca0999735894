"""What is tried on sandwiches: how their parts are put together.

The parts are tried by themselves, so the sizes here are those that the course itself has:
square windows, a border of one, pooling windows that do not overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnpy.check.case import Case, Hand
from cnnpy.check.plans.plan import Plan
from cnnpy.check.rows import SANDWICHES

__all__ = ["PLANS_OF_SANDWICHES"]


def _linear(hand: Hand, op: str, N: int = 3, D: int = 6, M: int = 4) -> Case:
    arrays = {"x": hand.floats((N, D)), "w": hand.floats((M, D)), "b": hand.floats((M,))}
    return Case(op, _short(arrays), {"linear": {}, "relu": {}})


def _conv(
    hand: Hand,
    op: str,
    N: int = 2,
    C: int = 2,
    F: int = 3,
    H: int = 4,
    W: int = 4,
    train: bool = True,
) -> Case:
    arrays: dict[str, Any] = {
        "x": hand.floats((N, C, H, W)),
        "w": hand.floats((F, C, 3, 3)),
        "b": hand.floats((F,)),
    }
    if "batch_norm" in SANDWICHES[op]:
        running: dict[str, Any] = {
            "running_mean": None if train else hand.floats((F,)),
            "running_var": None if train else np.exp(hand.floats((F,))) + 0.1,
        }
        arrays |= {"gamma": hand.floats((F,)), "beta": hand.floats((F,)), **running}
    options = {part: _OPTIONS[part] for part in SANDWICHES[op]}
    if "batch_norm" in options:
        options["batch_norm"] = {**options["batch_norm"], "train": train}
    return Case(op, _short(arrays), options)


_OPTIONS: dict[str, dict[str, Any]] = {
    "conv2d": {"stride": 1, "padding": 1, "dilation": 1, "groups": 1},
    "batch_norm": {"momentum": 0.1, "eps": 1e-5},
    "relu": {},
    "max_pool2d": {"kernel_size": 2, "stride": 2, "padding": 0},
}


def _short(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: None if a is None else np.round(a, 3) for name, a in arrays.items()}


def _built(op: str, build: Callable[..., Case]) -> Callable[..., Case]:
    return lambda hand, **sizes: build(hand, op, **sizes)


def _plan(op: str) -> Plan:
    if "linear" in SANDWICHES[op]:
        sizes: dict[str, tuple[int, int]] = {"N": (1, 5), "D": (1, 7), "M": (1, 7)}
        return Plan(
            op,
            _built(op, _linear),
            {"ordinary": ({}, {"N": 5, "D": 8, "M": 3}), "batch of 1": ({"N": 1},)},
            _drawing(sizes),
            dict.fromkeys(sizes, (1, 2)),
        )
    properties: dict[str, Any] = {
        "ordinary": ({}, {"N": 3, "C": 3, "H": 6, "W": 6}),
        "non-square input": ({"H": 4, "W": 6}, {"H": 6, "W": 2}),
        "one channel, one filter": ({"C": 1}, {"F": 1}),
    }
    if "batch_norm" in SANDWICHES[op]:
        properties["test mode"] = ({"train": False},)
    return Plan(
        op,
        _built(op, _conv),
        properties,
        _drawing({"N": (2, 3), "C": (1, 3), "F": (1, 3)}),
        {"N": (1, 2), "C": (1, 2), "F": (1, 2), "H": (2,), "W": (2,)},
    )


def _drawing(ends: dict[str, tuple[int, int]]) -> Callable[[Hand], dict[str, Any]]:
    return lambda hand: {axis: hand.integer(axis, low, high) for axis, (low, high) in ends.items()}


PLANS_OF_SANDWICHES = tuple(map(_plan, SANDWICHES))
"""A plan a sandwich."""
