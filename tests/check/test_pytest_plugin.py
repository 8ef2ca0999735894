"""The tests of an assignment: what a learner sees of pytest, and what those who have none pay."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cnnpy

pytest_plugins = ["pytester"]

ASSIGNMENT = """
from cnnpy.check import cases_of
import layers
test_layers = cases_of(layers)
"""
RELU = """
import numpy as np

def relu_forward(x):
    return np.maximum(x, 0), x

def relu_backward(dout, cache):
    return dout * (cache > 0)
"""
AFFINE = """
def affine_forward(x, w, b):
    return x.reshape(len(x), -1) @ w + b, (x, w, b)

def affine_backward(dout, cache):
    x, w, b = cache
    dx = (dout @ w.T).reshape(x.shape)
    return dx, x.reshape(len(x), -1).T @ dout, dout.mean(axis=0)
"""
POOL = """
def max_pool_forward_naive(x, p):
    H, W, s = p["pool_height"], p["pool_width"], p["stride"]
    out = np.zeros((*x.shape[:2], 1 + (x.shape[2] - H) // s, 1 + (x.shape[3] - W) // s))
    for i, j in np.ndindex(out.shape[2:]):
        out[:, :, i, j] = x[:, :, i * s : i * s + H, j * s : j * s + W].max(axis=(2, 3))
    return out, (x, p)

def max_pool_backward_naive(dout, cache):
    x, p = cache
    H, W, s = p["pool_height"], p["pool_width"], p["stride"]
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dout.shape[2:]):
        at = (..., slice(i * s, i * s + H), slice(j * s, j * s + W))
        dx[at] += (x[at] == x[at].max(axis=(2, 3), keepdims=True)) * dout[:, :, i:i+1, j:j+1]
    return dx
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def tried(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest on an assignment with a submission, in a process of its own."""
    monkeypatch.setenv("PYTHONPATH", str(Path(cnnpy.__file__).parents[1]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("CI", "BUILD_NUMBER"):  # where these are set its summary repeats each failure
        monkeypatch.delenv(name, raising=False)

    def run(layers: str, *options: str, plugin: bool = True, test: str = ASSIGNMENT) -> Any:
        pytester.makepyfile(layers=layers, test_layers=test)
        ours = ("-p", "cnnpy.check.pytest_plugin") if plugin else ()
        return pytester.runpytest_subprocess(*ours, *options, timeout=100)

    return run


def test_three_lines_make_a_test_for_each_property_of_each_implementation(tried: Run) -> None:
    done = tried(RELU, "-v")
    assert done.ret == 0
    done.stdout.fnmatch_lines(
        ["*test_layers.py::test_layers?relu_forward: negative values?*PASSED*"]
    )
    assert done.parseoutcomes()["passed"] >= 8


def test_a_failure_is_the_text_of_the_finding_without_a_trace(tried: Run) -> None:
    done = tried(RELU + AFFINE)
    assert done.ret == 1
    done.stdout.fnmatch_lines(
        [
            "*affine_forward: ordinary?*",
            "db: the values: *",
            "WRONG  affine_backward: db is the mean over the batch, not the sum.",
            "known as  linear_averages_db",
            "to mend   Sum: db = dout.sum(axis=0).",
            "the smallest case:",
            "*from layers import affine_forward, affine_backward*",
            "db is *",
        ]
    )
    text = done.stdout.str()
    assert text.count("the smallest case:") == 1
    assert "Traceback" not in text
    assert "assignment.py" not in text
    outcomes = done.parseoutcomes()
    assert outcomes["failed"] > 1
    assert outcomes["passed"] > 8  # relu, and batches of one


def test_each_test_can_be_run_by_itself_and_says_all(tried: Run) -> None:
    done = tried(RELU + AFFINE, "-k", "affine_forward and layout")
    assert done.parseoutcomes() == {"failed": 1, "deselected": done.parseoutcomes()["deselected"]}
    done.stdout.fnmatch_lines(["known as  linear_averages_db", "the smallest case:"])


def test_a_tie_fails_only_where_one_is_strict(tried: Run) -> None:
    loose = tried(RELU + POOL, "--cnnpy-quick")
    assert loose.ret == 0
    loose.stdout.fnmatch_lines(
        ["*cnnpy: good to know*", "max_pool_backward_naive: every tied maximum *"]
    )
    strict = tried(RELU + POOL, "--cnnpy-quick", "--cnnpy-strict")
    assert strict.ret == 1
    strict.stdout.fnmatch_lines(["TIE  max_pool_backward_naive: every tied maximum *"])


def test_a_seed_is_passed_on_and_a_wrong_one_is_refused_in_words(tried: Run) -> None:
    drawn = "\nimport layers\n"
    seen = RELU.replace(
        "def relu_forward(x):", "SEEN = []\ndef relu_forward(x):\n    SEEN.append(x)"
    )
    shows = (
        ASSIGNMENT
        + drawn
        + "def test_shown():\n    print('SUM', sum(x.sum() for x in layers.SEEN))\n"
    )
    sums = [
        [line for line in tried(seen, "-s", *seed, test=shows).outlines if "SUM" in line]
        for seed in ((), ("--cnnpy-seed", "0"), ("--cnnpy-seed=7",))
    ]
    assert sums[0] == sums[1] != sums[2]
    refused = tried(RELU, "--cnnpy-seed", "-1")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*'-1' is no integer of at least 0*"])


def test_without_the_plugin_the_tests_run_all_the_same(tried: Run) -> None:
    assert tried(RELU, plugin=False).ret == 0
    assert tried(RELU + AFFINE, plugin=False).ret == 1


def test_it_runs_where_all_warnings_are_errors_and_marks_are_strict(tried: Run) -> None:
    strict = ("-W", "error", "--strict-markers", "--strict-config")
    assert tried(RELU + POOL, "--cnnpy-quick", *strict).ret == 0


def test_what_is_not_written_yet_fails_and_says_so(tried: Run) -> None:
    done = tried(RELU.replace("np.maximum(x, 0), x", "None, x"))
    assert done.ret == 1
    assert "passed" not in done.parseoutcomes()
    done.stdout.fnmatch_lines(["relu_forward is not written yet: it returns None"])
    done = tried(RELU.replace("dout * (cache > 0)", "None"))
    done.stdout.fnmatch_lines(["relu_backward is not written yet: all its gradients are None"])


FENCED = """
from cnnpy.check import cases_of
test_layers = cases_of("layers.py")
"""


def test_a_path_runs_behind_the_fence(tried: Run) -> None:
    guarded = "import os\nassert 'PYTEST_CURRENT_TEST' not in os.environ\n" + RELU
    done = tried(guarded + AFFINE, test=FENCED)
    assert done.ret == 1
    done.stdout.fnmatch_lines(["known as  linear_averages_db"])
    ends = RELU.replace("return np.maximum", "os._exit(0); return np.maximum")
    done = tried("import os\n" + ends, "-k", "ordinary", test=FENCED)
    assert done.ret == 1
    done.stdout.fnmatch_lines(["*it ended Python with exit code 0*"])


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ("def f(:", "layers.py, line 1 could not be run: SyntaxError*"),
        ("x = 1", "layers.py: no function of a known name"),
    ],
)
def test_a_path_that_cannot_be_tried_is_one_failure_with_the_reason(
    tried: Run, layers: str, words: str
) -> None:
    done = tried(layers, test=FENCED)
    assert done.parseoutcomes() == {"failed": 1}
    done.stdout.fnmatch_lines([words])


def test_a_path_that_is_not_there_is_an_error_in_three_lines(tried: Run) -> None:
    done = tried(RELU, test=FENCED.replace("layers.py", "layer.py"))
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines(["*layer.py is not there*", "*expected: *", "*to mend: *"])


def test_only_what_is_asked_for_is_tried(tried: Run) -> None:
    test = ASSIGNMENT.replace("cases_of(layers)", 'cases_of(layers, ops=["relu"])')
    assert tried(RELU + AFFINE, test=test).ret == 0


def test_those_who_do_not_use_it_load_nothing_heavy() -> None:
    script = (
        "import sys; import cnnpy.check.pytest_plugin; "
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('cnnpy', 'numpy', 'rich')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['cnnpy', 'cnnpy.check', 'cnnpy.check.pytest_plugin']"


def test_the_plugin_is_where_pytest_looks_for_it() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    module = importlib.import_module(project["entry-points"]["pytest11"]["cnnpy"])
    assert {"pytest_addoption", "pytest_terminal_summary"} <= set(vars(module))


def test_the_two_halves_agree_on_the_name_of_a_notice() -> None:
    from cnnpy.check import assignment, pytest_plugin

    assert vars(pytest_plugin)["_NOTICE"] == assignment.NOTICE
