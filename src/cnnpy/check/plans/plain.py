"""What is tried on the fully connected layer, activations, losses and normalisations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cnnpy.check.case import Case, Hand
from cnnpy.check.plans.plan import Plan
from cnnpy.check.plans.values import values_of
from cnnpy.contract.dtypes import FloatArray

__all__ = [
    "BATCH_NORM",
    "DROPOUT",
    "GROUP_NORM",
    "HINGE",
    "LAYER_NORM",
    "LINEAR",
    "RELU",
    "SOFTMAX",
]


def _short(values: FloatArray) -> FloatArray:
    """Round values, so that they can be written down."""
    return np.round(values, 3)


def _linear(
    hand: Hand, N: int = 3, D: int = 6, M: int = 4, bias: bool = True, values: str = "floats"
) -> Case:
    arrays = {
        "x": values_of(hand, values, (N, D)),
        "w": values_of(hand, values, (M, D)),
        "b": values_of(hand, values, (M,)) if bias else None,
    }
    return Case("linear", arrays)


LINEAR = Plan(
    "linear",
    _linear,
    {
        "ordinary": ({}, {"N": 10, "D": 24, "M": 5}),
        "as many rows as columns": ({"N": 4, "D": 4, "M": 4},),
        "batch of 1": ({"N": 1},),
        "one feature, one output": ({"D": 1}, {"M": 1}, {"D": 1, "M": 1}),
        "features in several axes": ({"D": 8}, {"D": 12}),
        "no bias": ({"bias": False},),
    },
    lambda hand: {axis: hand.integer(axis, 1, 7) for axis in "NDM"},
    {
        "N": (1, 2),
        "D": (1, 2),
        "M": (1, 2),
        "values": ("ones", "counting", "integers", "floats"),
    },
)


def _relu(hand: Hand, shape: tuple[int, ...] = (3, 4), values: str = "floats") -> Case:
    return Case("relu", {"x": values_of(hand, values, shape)})


RELU = Plan(
    "relu",
    _relu,
    {
        "ordinary": ({}, {"shape": (10, 10)}),
        "any number of axes": ({"shape": (5,)}, {"shape": (2, 3, 2, 2)}, {"shape": (1, 1)}),
        "negative values": ({"values": "negative"},),
        "at 0": ({"values": "integers"},),
    },
    lambda hand: {"shape": tuple(hand.integer("size", 1, 4) for _ in range(3))},
    {"shape": ((1,), (2,), (1, 2), (2, 2)), "values": ("floats",)},
)


def _dropout(
    hand: Hand, shape: tuple[int, ...] = (20, 30), p: float = 0.4, train: bool = True
) -> Case:
    mask = None
    if train:
        mask = np.asarray([hand.integer("stays", 0, 1) for _ in range(math.prod(shape))])
        mask = mask.reshape(shape) == 1
    return Case("dropout", {"x": _short(hand.floats(shape)) + 10, "mask": mask}, {"p": p})


DROPOUT = Plan(
    "dropout",
    _dropout,
    {
        "ordinary": ({}, {"shape": (50, 60)}),
        "p": ({"p": 0.5}, {"p": 0.75}, {"p": 0.1}, {"p": 0.0}),
        "test mode": ({"train": False}, {"train": False, "p": 0.75}),
        "any number of axes": ({"shape": (100,)}, {"shape": (4, 3, 6, 5)}),
    },
    lambda hand: {
        "shape": tuple(hand.integer("size", 4, 9) for _ in range(3)),
        "p": hand.choice("p", [0.2, 0.5, 0.8]),
        "train": hand.choice("train", [True, True, False]),
    },
    {"shape": ((2,), (4,), (8,), (2, 4))},
)


def _scores(hand: Hand, op: str, N: int, K: int, scale: float) -> Case:
    target = np.array([hand.integer("class", 0, K - 1) for _ in range(N)], dtype=np.int64)
    return Case(op, {"x": _short(hand.floats((N, K)) * scale), "target": target})


def _softmax(hand: Hand, N: int = 4, K: int = 5, scale: float = 1.0) -> Case:
    case = _scores(hand, "softmax_cross_entropy", N, K, scale)
    return Case(case.op, case.arrays, {"label_smoothing": 0.0})


def _hinge(hand: Hand, N: int = 4, K: int = 5, scale: float = 1.0) -> Case:
    return _scores(hand, "hinge", N, K, scale)


def _draw_scores(hand: Hand) -> dict[str, Any]:
    scale = hand.choice("scale", [0.1, 1.0, 10.0])
    return {"N": hand.integer("N", 1, 6), "K": hand.integer("K", 2, 6), "scale": scale}


SOFTMAX = Plan(
    "softmax_cross_entropy",
    _softmax,
    {
        "ordinary": ({}, {"N": 20, "K": 10, "scale": 0.001}),
        "batch of 1": ({"N": 1},),
        "two classes, one class": ({"K": 2}, {"K": 1}),
        "as many images as classes": ({"N": 5},),
        "scores of 1000": ({"scale": 1000.0}, {"scale": 1000.0, "N": 1}),
    },
    _draw_scores,
    {"N": (1, 2), "K": (2, 3), "scale": (1.0, 1000.0)},
)
HINGE = Plan(
    "hinge",
    _hinge,
    {
        "ordinary": ({}, {"N": 20, "K": 10, "scale": 0.001}),
        "batch of 1": ({"N": 1},),
        "two classes, one class": ({"K": 2}, {"K": 1}),
        "as many images as classes": ({"N": 5},),
        "scores of 1000": ({"scale": 1000.0},),
    },
    _draw_scores,
    {"N": (1, 2), "K": (2, 3), "scale": (1.0, 1000.0)},
)


# --- normalisations ----------------------------------------------------------------------


def _affine(hand: Hand, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"gamma": _short(hand.floats(shape)), "beta": _short(hand.floats(shape))}


def _batch_norm(
    hand: Hand,
    N: int = 4,
    C: int = 3,
    H: int | None = None,
    W: int | None = None,
    train: bool = True,
    running: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Case:
    pixels = () if H is None or W is None else (H, W)
    arrays = {
        "x": _short(2 * hand.floats((N, C, *pixels)) + 1),
        **_affine(hand, (C,)),
        "running_mean": _short(hand.floats((C,))) if running or not train else None,
        "running_var": _short(np.exp(hand.floats((C,))) + 0.1) if running or not train else None,
    }
    return Case("batch_norm", arrays, {"train": train, "momentum": momentum, "eps": eps})


_IMAGES = {"H": 4, "W": 5}


def _both(**change: Any) -> tuple[dict[str, Any], ...]:
    """Give a change for features, and for images."""
    return change, {**_IMAGES, **change}


def _draw_batch_norm(hand: Hand) -> dict[str, Any]:
    pixels = {"H": hand.integer("H", 1, 4), "W": hand.integer("W", 1, 4)}
    images = pixels if hand.choice("axes", ["features", "images"]) == "images" else {}
    options = {
        "momentum": hand.choice("momentum", [0.1, 0.0, 0.5, 1.0]),
        "eps": hand.choice("eps", [1e-5, 1e-3, 0.5]),
        "train": hand.choice("train", [True, True, False]),
    }
    return {"N": hand.integer("N", 2, 5), "C": hand.integer("C", 1, 4), **images, **options}


BATCH_NORM = Plan(
    "batch_norm",
    _batch_norm,
    {
        "ordinary": (*_both(), *_both(N=10, C=5)),
        "no running statistics yet": _both(running=False),
        "momentum": (*_both(momentum=0.5), *_both(momentum=0.0), *_both(momentum=1.0)),
        "eps": (*_both(eps=0.5), *_both(eps=1e-3)),
        "test mode": (*_both(train=False), *_both(train=False, eps=0.5)),
        "as many images as channels": _both(N=3),
        "one channel": _both(C=1),
        "two images": _both(N=2),
        "non-square images": ({"H": 1, "W": 6}, {"H": 5, "W": 2}),
        "images of one pixel": ({"H": 1, "W": 1}, {"H": 1, "W": 1, "train": False}),
    },
    _draw_batch_norm,
    {"N": (2, 3), "C": (1, 2), "H": (1, 2), "W": (1, 2)},
)


def _layer_norm(hand: Hand, N: int = 4, D: int = 3, eps: float = 1e-5) -> Case:
    arrays = {"x": _short(2 * hand.floats((N, D)) + 1), **_affine(hand, (D,))}
    return Case("layer_norm", arrays, {"axis": -1, "eps": eps})


LAYER_NORM = Plan(
    "layer_norm",
    _layer_norm,
    {
        "ordinary": ({}, {"N": 10, "D": 6}),
        "eps": ({"eps": 0.5}, {"eps": 1e-3}),
        "as many rows as features": ({"N": 3},),
        "batch of 1": ({"N": 1},),
        "two features": ({"D": 2},),
    },
    lambda hand: {
        "N": hand.integer("N", 1, 5),
        "D": hand.integer("D", 2, 6),
        "eps": hand.choice("eps", [1e-5, 1e-3, 0.5]),
    },
    {"N": (1, 2), "D": (2, 3)},
)


def _group_norm(
    hand: Hand,
    N: int = 2,
    groups: int = 2,
    C_group: int = 3,
    H: int = 4,
    W: int = 5,
    eps: float = 1e-5,
) -> Case:
    C = groups * C_group
    arrays = {"x": _short(2 * hand.floats((N, C, H, W)) + 1), **_affine(hand, (C,))}
    return Case("group_norm", arrays, {"groups": groups, "eps": eps})


GROUP_NORM = Plan(
    "group_norm",
    _group_norm,
    {
        "ordinary": ({}, {"N": 3, "groups": 3, "C_group": 2}),
        "eps": ({"eps": 0.5}, {"eps": 1e-3}),
        "one group, groups of one": ({"groups": 1}, {"groups": 4, "C_group": 1}),
        "batch of 1": ({"N": 1},),
        "non-square images": ({"H": 1, "W": 6}, {"H": 5, "W": 2}),
    },
    lambda hand: {
        "N": hand.integer("N", 1, 3),
        "groups": hand.integer("groups", 1, 4),
        "C_group": hand.integer("C_group", 1, 3),
        "H": hand.integer("H", 2, 4),
        "W": hand.integer("W", 1, 4),
    },
    {"N": (1, 2), "groups": (1, 2), "C_group": (1, 2), "H": (2,), "W": (1, 2)},
)
