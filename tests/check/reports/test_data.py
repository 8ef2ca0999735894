"""The JSON of a report keeps to its written shape, and has what was found in it."""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnpy.check import Report
from cnnpy.check.reports import data as shapes
from cnnpy.check.reports import to_json
from cnnpy.check.reports.table import row_of
from cnnpy.cs231n import layers
from cnnpy.page.text import printable


def held(value: Any, shape: Any, at: str = "report") -> None:
    """Hold plain data against a type, key by key."""
    origin, inner = typing.get_origin(shape), typing.get_args(shape)
    if shape is Any:
        return
    if isinstance(shape, types.UnionType):
        plain = [one for one in inner if one is not type(None)]
        if value is not None or len(plain) == len(inner):
            held(value, plain[0], at)
    elif typing.is_typeddict(shape):
        hints = typing.get_type_hints(shape)
        assert set(value) == set(hints), at
        for key, hint in hints.items():
            held(value[key], hint, f"{at}.{key}")
    elif origin is list:
        assert isinstance(value, list), at
        for k, item in enumerate(value):
            held(item, inner[0], f"{at}[{k}]")
    elif origin is dict:
        for key, item in value.items():
            held(item, inner[1], f"{at}.{key}")
    else:
        assert isinstance(value, shape if shape is not float else int | float), at


def plain(text: str) -> Any:
    """Read JSON as its standard has it: no NaN, no Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def found(data: Any, name: str) -> Any:
    return next(c for c in data["conclusions"] if c["name"] == name)


def test_every_report_has_the_shape_that_is_written_down(wrong: Report, unrunnable: Report) -> None:
    for report in (wrong, unrunnable, Report("empty.py")):
        held(plain(to_json(report)), shapes.ReportData)


def test_a_mistake_is_there_with_a_case_that_one_can_work_by_hand(wrong: Report) -> None:
    c = found(plain(to_json(wrong)), "linear_averages_db")
    assert (c["grade"], c["function"], c["certain"]) == ("wrong", "affine_backward", True)
    assert "dout.sum(axis=0)" in c["mend"]
    case = c["smallest"]
    dout = np.array(case["dout"]["values"])
    (db,) = (r for r in case["results"] if r["name"] == "db")
    assert db["definition"]["values"] == dout.sum(axis=0).tolist()
    assert db["yours"]["values"] == dout.mean(axis=0).tolist()
    assert [r["name"] for r in case["results"] if not r["right"]] == ["db"]
    assert db["n_differ"] == len(db["differs"]) == dout.shape[1]
    assert "affine_backward(dout, cache)" in case["snippet"]


def test_the_entries_that_differ_are_those_that_were_made_wrong(
    report_of: Callable[..., Report], functions: Any
) -> None:
    def relu_forward(x: Any) -> Any:
        out = np.maximum(x, 0)
        if x.ndim > 1 and x.shape[1] > 1:
            out[0, 1] += 1
        return out, x

    report = report_of(relu_forward=relu_forward, relu_backward=functions["relu_backward"])
    (out,) = (
        r
        for c in plain(to_json(report))["conclusions"]
        if c["grade"] == "wrong"
        for r in c["smallest"]["results"]
        if r["name"] == "out"
    )
    expected = np.zeros(out["yours"]["shape"], dtype=bool)
    expected[0, 1] = True
    assert out["differs"] == np.argwhere(expected).tolist()


def test_what_is_no_finite_number_is_a_string(wrong: Report) -> None:
    c = next(c for c in plain(to_json(wrong))["conclusions"] if c["function"] == "softmax_loss")
    values = {r["name"]: r["yours"]["values"] for r in c["smallest"]["results"]}
    assert values["out"] == "nan"
    assert values["dx"][0][0] == "-inf"


def test_each_implementation_says_what_is_right_property_by_property(wrong: Report) -> None:
    by_name = {one["forward"]: one for one in plain(to_json(wrong))["implementations"]}
    affine = by_name["affine_forward"]
    assert affine["passes"] == {"forward": "right", "backward": "wrong"}
    ordinary = affine["properties"][0]
    assert ordinary["passes"] == {"forward": "right", "dx": "right", "dw": "right", "db": "wrong"}
    assert ordinary["says"]["db"].startswith("db: the values: ")
    assert by_name["max_pool_forward_naive"]["passes"] == {"forward": "right", "backward": "tie"}
    assert by_name["layernorm_forward"]["state"] == "not written"


def test_a_backward_pass_that_gives_none_is_not_called_right(
    report_of: Callable[..., Report], functions: Any
) -> None:
    report = report_of(
        relu_forward=functions["relu_forward"], relu_backward=lambda dout, cache: None
    )
    (one,) = plain(to_json(report))["implementations"]
    assert one["passes"] == {"forward": "right", "backward": "not written"}
    assert {p["passes"]["dx"] for p in one["properties"]} == {"untried"}


def test_a_second_way_that_is_not_written_leaves_a_right_file_right(
    report_of: Callable[..., Report],
) -> None:
    def alt(dout: Any, cache: Any) -> Any:
        return None, None, None

    norm = {"batchnorm_forward": layers.batchnorm_forward, "batchnorm_backward_alt": alt}
    both = report_of(**norm, batchnorm_backward=layers.batchnorm_backward)
    assert plain(to_json(both))["exit_code"] == 0
    data = plain(to_json(report_of(**norm)))
    assert data["exit_code"] == 2
    assert row_of(data)["reason"] == "not written: batchnorm_backward_alt"


def test_strict_decides_the_verdict_of_a_tie(
    report_of: Callable[..., Report], functions: Any
) -> None:
    report = report_of(
        max_pool_forward_naive=functions["max_pool_forward"],
        max_pool_backward_naive=functions["max_pool_backward_to_every_tie"],
    )
    loose, strict = (plain(to_json(report, strict)) for strict in (False, True))
    assert (loose["verdict"], loose["exit_code"], loose["strict"]) == ("right", 0, False)
    assert (strict["verdict"], strict["exit_code"], strict["strict"]) == ("wrong", 1, True)
    assert found(loose, "max_pool2d_gives_every_tie_the_gradient")["grade"] == "tie"


def test_what_cannot_be_run_says_why(unrunnable: Report, hostile: str) -> None:
    data = plain(to_json(unrunnable))
    assert (data["verdict"], data["exit_code"]) == ("could not run", 2)
    assert data["not_loaded"]["line"] == 3
    assert data["not_loaded"]["what"] == f"SyntaxError: {printable(hostile)}"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("plain, ünïcode, 세번째\n\t", "plain, ünïcode, 세번째\n\t"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\r\nb\x00", "a\\r\nb\\x00"),
        ("\u202egnirts\u2066", "\\u202egnirts\\u2066"),
        ("\ud800 \uffff \u2028", "\\ud800 \\uffff \\u2028"),
    ],
)
def test_text_is_made_printable_and_says_what_was_there(text: str, want: str) -> None:
    assert printable(text) == want
    assert printable(want) == want


def test_a_large_array_is_told_by_its_shape_alone() -> None:
    from cnnpy.check.reports.arrays import as_array

    assert as_array(np.zeros((64, 64))) == {"shape": [64, 64], "dtype": "float64", "values": None}
    assert as_array(np.float32(0.5)) == {"shape": [], "dtype": "float32", "values": 0.5}
    assert as_array(np.array([1j])) is None
    small = as_array(np.array([math.inf, math.nan]))
    assert small is not None
    assert small["values"] == ["inf", "nan"]
