"""A slip that no known mistake describes is told by the change that puts it right."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnpy.check.checking import EFFORTS, Report, check_path
from cnnpy.check.fence import Fenced
from cnnpy.check.fence.session import Call
from cnnpy.check.mends.edits import KINDS, edits_of
from cnnpy.check.observe import Grade

LOOPS = (Path(__file__).with_name("styles") / "loops.py").read_text()

SLIPS = {
    # kind: a function with the slip, and the line as it is right
    "assigned_not_added": ("dx[i : i + HH] = w", "dx[i : i + HH] += w"),
    "one_name_for_another": ("out[j] = x[i : i + HH]", "out[j] = x[j : i + HH]"),
    "two_names_for_others": ("y = x[: i + H_out, : j + W_out]", "y = x[: i + HH, : j + WW]"),
    "names_exchanged": ("y = np.zeros((W_out, H_out))", "y = np.zeros((H_out, W_out))"),
    "loops_exchanged": ("for j in range(H_out):", "for j in range(W_out):"),
    "a_number_for_a_name": (
        "y = np.pad(x, ((1, 1), (1, 1)))",
        "y = np.pad(x, ((pad, pad), (pad, pad)))",
    ),
    "negative_zero": ("y = x[pad:-pad, pad:-pad]", "y = x[pad:-pad or None, pad:-pad or None]"),
    "a_call_too_many": ("y = np.squeeze(x)", "y = (x)"),
    "a_term_too_many": ("y = np.sqrt(x + eps)", "y = np.sqrt((x))"),
    "another_operator": ("y = x * eps", "y = ((x) / (eps))"),
    "another_axis": ("y = x.sum(axis=0)", "y = x.sum(axis=1)"),
    "off_by_one": ("y = x[: H - 1]", "y = x[: H - 0]"),
    "a_factor_missing": ("y = x[i : i + HH]", "y = x[i * stride : i * stride + HH]"),
    "rounded_otherwise": ("y = int(np.ceil(H / stride))", "y = int(int(np.floor(H / stride)))"),
    "walks_too_far": ("for k in range(0, H, stride):", "for k in range(0, H - HH + 1, stride):"),
}
FUNCTION = """def f(x, w, eps, param):
    pad, stride = param["pad"], param["stride"]
    H, W = x.shape
    HH, WW = w.shape
    H_out, W_out = 1 + H - HH, 1 + W - WW
    dx = np.zeros_like(x)
    out = np.zeros((H_out, W_out))
    for i in range({first}):
        for j in range({second}):
            pass
    {line}
{rest}"""


def function(line: str) -> str:
    rest = "        pass\n" if line.endswith(":") else "    return out\n"
    first, second = ("W_out", "H_out") if line.startswith("for j") else ("H_out", "W_out")
    return FUNCTION.format(line=line, rest=rest, first=first, second=second)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_slip_is_among_the_changes_that_are_tried(kind: str) -> None:
    wrong, right = SLIPS[kind]
    found = [e for e in edits_of(function(wrong)) if e.kind == kind]
    lines = [line.strip() for e in found for line in e.text.splitlines()]
    assert right in lines
    for edit in found:
        assert edit.text != function(wrong)
        assert edit.shows


def test_what_is_no_plain_function_has_no_changes() -> None:
    for text in ("def f(:\n", "x = 1\n", "@cache\ndef f(x):\n    return x + 1\n", ""):
        assert list(edits_of(text)) == []


def test_a_change_leaves_every_other_character_as_it_is() -> None:
    text = 'def f(x, n):\n    """Größe ≥ 1."""\n    H = x.shape[0]; y = "ß" * 2\n    return H\n'
    for edit in edits_of(text):
        assert '"""Größe ≥ 1."""' in edit.text


# --- behind the fence ---------------------------------------------------------------------------


@pytest.fixture
def fenced(tmp_path: Path) -> Any:
    file = tmp_path / "layers.py"
    file.write_text(
        "def helper(x):\n    return x + 1\n\n"
        "def f(x, by=2, *, more=0):\n    return helper(x) * by + more\n\n"
        "class C:\n    pass\n"
    )
    with Fenced(file) as there:
        yield there


def value(fenced: Fenced, name: str = "f", *arguments: Any, **keywords: Any) -> Any:
    return fenced.call(Call(name, list(arguments), keywords)).returned


def test_a_function_is_rewritten_and_put_back(fenced: Fenced) -> None:
    assert value(fenced, "f", 1.0) == 4.0
    assert fenced.rewrite({"helper": "def helper(x):\n    return x - 1\n"})
    assert value(fenced, "f", 1.0) == 0.0  # whoever calls it finds it
    assert fenced.rewrite({"f": "def f(x, by=7, *, more=0):\n    return helper(x) + by + more\n"})
    assert value(fenced, "f", 1.0, more=1.0) == 5.0  # the defaults are those that it had
    assert fenced.rewrite({})
    assert value(fenced, "f", 1.0) == 4.0


@pytest.mark.parametrize(
    "texts",
    [
        {"f": "def f(:\n"},
        {"f": "def g(x):\n    return x\n"},
        {"f": "x = 1\n"},
        {"C": "def C(x):\n    return x\n"},
        {"nobody": "def nobody(x):\n    return x\n"},
    ],
)
def test_what_is_none_of_a_plain_function_is_refused(fenced: Fenced, texts: dict[str, str]) -> None:
    assert not fenced.rewrite(texts)
    assert fenced.rewrite({})
    assert value(fenced, "f", 1.0) == 4.0


def test_a_change_that_ends_the_process_is_forgotten(fenced: Fenced) -> None:
    assert fenced.rewrite({"f": "def f(x):\n    import os\n    os._exit(3)\n"})
    assert "exit code 3" in str(fenced.call(Call("f", [1.0])).ended)
    assert value(fenced, "f", 1.0) == 4.0


# --- what a reader is told ----------------------------------------------------------------------


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., Report]:
    def checked(op: str, *slips: tuple[str, str], effort: str = "ordinary") -> Report:
        text = LOOPS
        for right, wrong in slips:
            assert text.count(right) == 1, right
            text = text.replace(right, wrong)
        file = tmp_path / "layers.py"
        file.write_text(text)
        return check_path(file, effort=EFFORTS[effort], ops=[op])

    return checked


def told(report: Report) -> dict[str | None, str]:
    return {c.name: f"{c.title} {c.mend}" for c in report.conclusions if c.grade is Grade.WRONG}


ADDED = "left : left + WW] += dout[n, f, i, j] * w[f]"
PUT = "dx[n, c, top + u, left + v] += dout[n, c, i, j]"
MEAN = "out[n, c, i, j] = np.mean(window)"


def test_a_name_for_another_is_told_with_its_line(check: Callable[..., Report]) -> None:
    report = check("conv2d", (ADDED, ADDED.replace("w[f]", "dw[f]")))
    line = LOOPS[: LOOPS.index(ADDED)].count("\n") + 1
    (words,) = told(report).values()
    assert set(told(report)) == {"one_name_for_another"}
    assert f"In line {line}, dw stands where w is meant." in words
    assert f"Write line {line} as 'dxp[n, :, top : top + HH, {ADDED}'." in words
    (cause,) = {c.cause for c in report.conclusions if c.grade is Grade.WRONG}
    assert re.search(r"with this change all \d+ cases that were tried are right", str(cause))


def test_what_no_change_mends_has_no_name(check: Callable[..., Report]) -> None:
    report = check("avg_pool2d", (MEAN, MEAN.replace("mean", "median")), effort="quick")
    assert set(told(report)) == {None}


def test_a_slip_beside_a_known_mistake_is_told_with_it(check: Callable[..., Report]) -> None:
    """The place is counted by the window and not by the stride, and the sum is overwritten."""
    report = check("max_pool2d", (PUT, "dx[n, c, i * HH + u, j * WW + v] = dout[n, c, i, j]"))
    assert set(told(report)) == {
        "two_names_for_others",
        "max_pool2d_overwrites_where_windows_overlap",
    }


def test_the_search_leaves_the_functions_as_they_were(check: Callable[..., Report]) -> None:
    slip = (ADDED, ADDED.replace("w[f]", "dw[f]"))
    first, second = (told(check("conv2d", slip)) for _ in range(2))
    assert first == second
    report = check("conv2d")
    assert told(report) == {}
    assert np.all([trial.diagnosis is None for trial in report.trials])
