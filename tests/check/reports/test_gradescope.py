"""Gradescope's results.json: its keys, and the points of a rubric."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnnpy.check import Report
from cnnpy.check.reports import Entry, Rubric, read_rubric, to_gradescope
from cnnpy.contract.errors import MissingDataError, OptionError

# https://gradescope-autograders.readthedocs.io/en/latest/specs/
TOP = {
    *("score", "execution_time", "output", "output_format", "test_output_format"),
    *("test_name_format", "visibility", "stdout_visibility", "extra_data", "tests"),
    "leaderboard",
}
TEST = {
    *("score", "max_score", "status", "name", "name_format", "number", "output"),
    *("output_format", "tags", "visibility", "extra_data"),
}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
VISIBILITY = {"hidden", "after_due_date", "after_published", "visible"}


def results(report: Report, *entries: Entry, **options: Any) -> dict[str, Any]:
    rubric = Rubric(entries, **options) if entries else None
    given: dict[str, Any] = json.loads(to_gradescope(report, rubric))
    assert set(given) <= TOP
    assert {given[key] for key in given if key.endswith("_format")} <= FORMATS
    assert given["stdout_visibility"] in VISIBILITY
    assert given["execution_time"] >= 0
    for test in given["tests"]:
        assert set(test) <= TEST
        assert 0 <= test["score"] <= test["max_score"]
        assert test["status"] == ("passed" if test["score"] == test["max_score"] > 0 else "failed")
        assert test["visibility"] in VISIBILITY
    assert given["score"] == sum(test["score"] for test in given["tests"])
    return given


def scores(given: dict[str, Any]) -> dict[str, float]:
    return {test["name"]: test["score"] for test in given["tests"]}


def outputs(given: dict[str, Any]) -> dict[str, str]:
    return {test["name"]: test["output"] for test in given["tests"]}


def test_without_a_rubric_each_pass_that_is_there_is_worth_one_point(wrong: Report) -> None:
    given = scores(results(wrong))
    assert given["affine_forward: forward"] == 1
    assert given["affine_forward: backward"] == 0
    assert given["max_pool_forward_naive: backward"] == 1  # a tie
    assert given["softmax_loss"] == 0
    assert given["layernorm_forward: forward"] == 0


def test_points_go_by_op_by_task_by_function_and_by_pass(wrong: Report) -> None:
    given = results(
        wrong,
        Entry("affine", 5),
        Entry("linear", 3, "forward"),
        Entry("affine_forward", 2),
        Entry("affine_backward", 4),
        Entry("max pooling", 1.5),
        Entry("softmax loss", 1),
    )
    assert [test["score"] for test in given["tests"]] == [0, 3, 2, 0, 1.5, 0]
    assert given["score"] == 6.5


def test_a_class_is_worth_points_by_its_name(report_of: Callable[..., Report]) -> None:
    class Relu:
        def forward(self, x: Any) -> Any:
            self.mask = x > 0
            return x * self.mask

        def backward(self, dout: Any) -> Any:
            return dout * self.mask

    given = results(report_of(Relu=Relu), Entry("Relu", 2), Entry("relu", 1, "backward"))
    assert [test["score"] for test in given["tests"]] == [2, 1]


def test_what_is_wrong_says_why_and_how_to_mend_it(wrong: Report) -> None:
    (output,) = outputs(results(wrong, Entry("affine", 1, "backward"))).values()
    assert "Sum: db = dout.sum(axis=0)" in output
    assert "the smallest case:" in output


def test_a_tie_costs_points_only_where_the_rubric_says_so(wrong: Report) -> None:
    pool = Entry("max_pool2d", 2)
    assert results(wrong, pool)["score"] == 2
    strict = results(wrong, pool, tie_is_wrong=True)
    assert strict["score"] == 0
    assert "every tied maximum" in outputs(strict)["max_pool2d"]


def test_what_is_not_there_or_not_written_says_so_and_has_no_points(
    wrong: Report, report_of: Callable[..., Report], functions: Any
) -> None:
    given = outputs(results(wrong, Entry("hinge", 1), Entry("layer norm", 1)))
    assert given["hinge"] == "not there"
    assert given["layer norm"] == "not written yet: layernorm_forward"
    half = report_of(relu_forward=functions["relu_forward"], relu_backward=lambda dout, x: None)
    given = results(half, Entry("relu", 1, "forward"), Entry("relu", 1, "backward"))
    assert [test["score"] for test in given["tests"]] == [1, 0]
    assert outputs(given)["relu: backward"] == "not written yet: relu_backward"


def test_what_cannot_be_run_gets_0_with_the_reason(unrunnable: Report) -> None:
    given = results(unrunnable, Entry("relu", 3))
    assert given["score"] == 0
    assert "could not be run: SyntaxError" in given["output"]
    assert "to mend:  mend the line" in given["output"]
    assert results(unrunnable)["tests"] == []


RUBRIC = """
tie = "wrong"
visibility = "after_due_date"

[points]
convolution = 10
"max pooling" = { forward = 4, backward = 6.5 }
relu_forward = { points = 1, visibility = "visible" }
"""


def test_a_rubric_is_read_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text(RUBRIC)
    assert read_rubric(path) == Rubric(
        (
            Entry("convolution", 10.0, None, "after_due_date"),
            Entry("max pooling", 4.0, "forward", "after_due_date"),
            Entry("max pooling", 6.5, "backward", "after_due_date"),
            Entry("relu_forward", 1.0, None, "visible"),
        ),
        tie_is_wrong=True,
    )


BAD = {
    "[points]\nconvolutoin = 1": "convolution",
    "[points]\nrelu = -1": "from 0 to",
    "[points]\nrelu = nan": "from 0 to",
    "[points]\nrelu = true": "from 0 to",
    "[points]\nrelu = 'many'": "from 0 to",
    "[points]\nrelu = { forward = 1, points = 2 }": "points and forward",
    "[points]\nrelu = { }": "no points",
    "[points]\nrelu = { forwards = 1 }": "'forward'",
    "[points]\nsoftmax_loss = { backward = 1 }": "a backward pass of its own",
    "[points]": "no points",
    "points = 3": "no points",
    "": "no points",
    "tie = 'maybe'\n[points]\nrelu = 1": "'wrong'",
    "visibility = []\n[points]\nrelu = 1": "'visible'",
    "colour = 1\n[points]\nrelu = 1": "'colour'",
    "[points\nrelu = 1": "no TOML",
    "x = " + "[" * 10_000: "no TOML",
    "x = '" + "y" * 70_000 + "'": "65,536 bytes",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:40])
def test_what_is_wrong_with_a_rubric_is_said_in_three_lines(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text(text)
    with pytest.raises(OptionError) as caught:
        read_rubric(path)
    assert BAD[text] in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


def test_a_rubric_that_is_not_there_or_no_text_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="is not there"):
        read_rubric(tmp_path / "rubric.toml")
    with pytest.raises(OptionError, match="cannot be read"):
        read_rubric(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(OptionError, match="no TOML"):
        read_rubric(tmp_path / "bytes.toml")
