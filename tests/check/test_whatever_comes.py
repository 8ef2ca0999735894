"""Whatever a pass returns in place of an array, the check comes to its end and says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnpy import reference
from cnnpy.check.checking import EFFORTS, Report, run
from cnnpy.check.observe import Grade
from cnnpy.check.reports import to_html, to_json, to_junit, to_text

Change = Callable[[Any], Any]

IN_ITS_PLACE: dict[str, Change] = {
    "a tuple of arrays of one shape": lambda a: (a, a),
    "a tuple of arrays of different shapes": lambda a: (a, np.zeros((7, 2)), None),
    "an empty tuple": lambda a: (),
    "a list of arrays of different shapes": lambda a: [a, np.zeros((7, 2))],
    "a list in lists": lambda a: [[1.0], [2.0, [3.0]]],
    "a dictionary": lambda a: {"out": a},
    "a set": lambda a: {1.0, 2.0},
    "a text": lambda a: "out",
    "bytes": lambda a: b"\x00\xff",
    "a function": lambda a: np.sum,
    "a type": lambda a: int,
    "a number": lambda a: 1.5,
    "a number beyond every float": lambda a: 10**400,
    "a flag": lambda a: True,
    "complex numbers": lambda a: a * 1j,
    "texts": lambda a: np.full(np.shape(a), "x"),
    "objects": lambda a: np.full(np.shape(a), None, dtype=object),
    "flags": lambda a: np.ones(np.shape(a), dtype=bool),
    "dates": lambda a: np.zeros(np.shape(a), dtype="datetime64[s]"),
    "records": lambda a: np.zeros(np.shape(a), dtype=[("a", "f8"), ("b", "i4")]),
    "a masked array": lambda a: np.ma.masked_invalid(np.full(np.shape(a), np.nan)),
    "no entries": lambda a: np.zeros((0, 3)),
    "an axis more": lambda a: np.ones((3, *np.shape(a))),
    "no number at all": lambda a: np.full(np.shape(a), np.nan),
    "infinity": lambda a: np.full(np.shape(a), -np.inf),
}


def same(a: Any) -> Any:
    return a


def always(change: Change) -> Change:
    return change


def in_some_cases(change: Change) -> Change:
    return lambda a: change(a) if int(1000 * np.abs(a).sum()) % 2 else a


def in_forward(change: Change) -> dict[str, Any]:
    return {"affine_forward": forward_of(change), "affine_backward": backward_of(same)}


def in_backward(change: Change) -> dict[str, Any]:
    return {"affine_forward": forward_of(same), "affine_backward": backward_of(change)}


def forward_of(change: Change) -> Callable[..., Any]:
    def forward(x: Any, w: Any, b: Any) -> Any:
        out, cache = reference.linear_forward(x.reshape(len(x), -1), w.T, b)
        return change(out), (x.shape, cache)

    return forward


def backward_of(change: Change) -> Callable[..., Any]:
    def backward(dout: Any, cache: Any) -> Any:
        shape, kept = cache
        dx, dw, db = reference.linear_backward(dout, kept)
        return change(dx.reshape(shape)), dw.T, db

    return backward


def in_a_loss(change: Change) -> dict[str, Any]:
    def loss(x: Any, y: Any) -> Any:
        value, cache = reference.softmax_cross_entropy_forward(x, y)
        return change(value), reference.softmax_cross_entropy_backward(1.0, cache)

    return {"softmax_loss": loss}


def in_its_gradient(change: Change) -> dict[str, Any]:
    def loss(x: Any, y: Any) -> Any:
        value, cache = reference.softmax_cross_entropy_forward(x, y)
        return value, change(reference.softmax_cross_entropy_backward(1.0, cache))

    return {"softmax_loss": loss}


def in_running_statistics(change: Change) -> dict[str, Any]:
    def forward(x: Any, gamma: Any, beta: Any, bn_param: dict[str, Any]) -> Any:
        mode, eps = bn_param["mode"], bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        mean = bn_param.get("running_mean", np.zeros(x.shape[1], x.dtype))
        var = bn_param.get("running_var", np.zeros(x.shape[1], x.dtype))
        out, cache = x, None
        if mode == "train":
            mu, sigma = x.mean(axis=0), np.sqrt(x.var(axis=0) + eps)
            out, cache = gamma * (x - mu) / sigma + beta, ((x - mu) / sigma, gamma, sigma)
            mean = momentum * mean + (1 - momentum) * mu
            var = momentum * var + (1 - momentum) * x.var(axis=0)
        else:
            out = gamma * (x - mean) / np.sqrt(var + eps) + beta
        bn_param["running_mean"], bn_param["running_var"] = change(mean), var
        return out, cache

    def backward(dout: Any, cache: Any) -> Any:
        x, gamma, sigma = cache
        dx = gamma / sigma * (dout - dout.mean(axis=0) - x * (dout * x).mean(axis=0))
        return dx, (dout * x).sum(axis=0), dout.sum(axis=0)

    return {"batchnorm_forward": forward, "batchnorm_backward": backward}


WHERE = {
    in_forward: always,
    in_backward: in_some_cases,
    in_a_loss: always,
    in_its_gradient: in_some_cases,
    in_running_statistics: in_some_cases,
}


@pytest.mark.parametrize("place", WHERE)
@pytest.mark.parametrize("what", IN_ITS_PLACE)
def test_a_check_ends_and_tells(what: str, place: Callable[..., Any]) -> None:
    report = run(place(WHERE[place](IN_ITS_PLACE[what])), effort=EFFORTS["quick"])
    assert told_in_every_way(report)
    assert report.exit_code() == 1


@pytest.mark.parametrize("place", WHERE)
def test_without_a_change_nothing_is_wrong(place: Callable[..., Any]) -> None:
    report = run(place(same), effort=EFFORTS["quick"])
    assert [c.title for c in report.conclusions if c.grade > Grade.NOTICE] == []


def told_in_every_way(report: Report) -> bool:
    return all(write(report) for write in (to_text, to_html, to_json, to_junit))


def test_a_tuple_where_an_array_is_meant_is_named() -> None:
    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        options = {"stride": conv_param["stride"], "padding": conv_param["pad"]}
        out, cache = reference.conv2d_forward(x, w, b, **options)
        return ((out, cache) if conv_param["pad"] == 0 else out), cache

    functions = {
        "conv_forward_naive": forward,
        "conv_backward_naive": lambda dout, cache: reference.conv2d_backward(dout, cache),
    }
    report = run(functions, effort=EFFORTS["quick"])
    assert [c.name for c in report.conclusions if c.grade is Grade.WRONG] == ["not_unpacked"]
    assert report.conclusions[0].title == "out is a tuple of 2, not an array."


def test_what_is_no_array_is_named() -> None:
    report = run(in_a_loss(IN_ITS_PLACE["a set"]), effort=EFFORTS["quick"])
    assert [c.name for c in report.conclusions if c.grade is Grade.WRONG] == ["no_array"]
    assert report.conclusions[0].title == "out is of set, not an array of numbers."
