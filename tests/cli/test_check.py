"""``cnnpy check`` as its users meet it: what it prints, and its exit codes."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

RIGHT = """
    import numpy as np

    def relu_forward(x):
        return np.maximum(x, 0), x

    def relu_backward(dout, cache):
        return dout * (cache > 0)
"""

WRONG = (
    RIGHT
    + """
    def affine_forward(x, w, b):
        return x.reshape(len(x), -1) @ w + b, (x, w, b)

    def affine_backward(dout, cache):
        x, w, b = cache
        dx = (dout @ w.T).reshape(x.shape)
        return dx, x.reshape(len(x), -1).T @ dout, dout.mean(axis=0)
"""
)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write a submission."""

    def write(source: str, name: str = "layers.py") -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(source))
        return path

    return write


def test_what_is_right_has_exit_code_0(command: Any, written: Any) -> None:
    outcome = command("check", "--quick", written(RIGHT))
    assert outcome.code == 0
    assert outcome.err == ""
    assert "1 implementation" in outcome.lines[0]
    assert "WRONG" not in outcome.out


def test_what_is_wrong_has_exit_code_1_and_is_named_with_cause_mend_and_a_case(
    command: Any, written: Any
) -> None:
    outcome = command("check", "--quick", written(WRONG))
    assert outcome.code == 1
    assert "known as  linear_averages_db" in outcome.out
    assert "   to mend   " in outcome.out
    assert "   the smallest case:" in outcome.out
    assert "from layers import affine_forward, affine_backward" in outcome.out


def test_the_lines_of_a_case_run_as_they_stand_and_show_the_mistake(
    command: Any, written: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outcome = command("check", "--quick", written(WRONG, "mine_to_import.py"))
    case = re.split(r"\n   \w+ is ", outcome.out.split("the smallest case:\n")[1])[0]
    lines = [line[5:] for line in case.splitlines()]
    monkeypatch.syspath_prepend(str(tmp_path))
    names: dict[str, Any] = {}
    exec("\n".join(lines), names)
    yours, definition = re.findall(r"db is +(.*)\n +not +(.*)", outcome.out)[0]
    np.testing.assert_allclose(names["db"], np.array(eval(yours)))
    np.testing.assert_allclose(names["dout"].sum(axis=0), np.array(eval(definition)))


def test_only_the_ops_that_are_asked_for_are_looked_at(command: Any, written: Any) -> None:
    assert command("check", "--quick", "--op", "relu", written(WRONG)).code == 0
    assert command("check", "--quick", "--op", "affine", written(WRONG)).code == 1


def test_functions_of_another_name_are_found_where_they_are_mapped(
    command: Any, written: Any
) -> None:
    path = written(RIGHT.replace("relu_forward", "up").replace("relu_backward", "down"))
    assert command("check", path).code == 2
    mapped = ["--map", "relu_forward=up", "--map", "relu_backward=down"]
    outcome = command("check", "--quick", *mapped, path)
    assert outcome.code == 0
    assert "up" in outcome.out


def test_a_tie_is_wrong_where_one_is_strict(command: Any, written: Any) -> None:
    path = written(
        """
        import numpy as np

        def windows(x, p):
            H, W, s = p["pool_height"], p["pool_width"], p["stride"]
            for i in range(1 + (x.shape[2] - H) // s):
                for j in range(1 + (x.shape[3] - W) // s):
                    yield i, j, (..., slice(i * s, i * s + H), slice(j * s, j * s + W))

        def max_pool_forward_naive(x, p):
            out = {(i, j): x[at].max(axis=(2, 3)) for i, j, at in windows(x, p)}
            rows, columns = (1 + max(place) for place in zip(*out))
            whole = np.zeros((*x.shape[:2], rows, columns))
            for (i, j), values in out.items():
                whole[:, :, i, j] = values
            return whole, (x, p)

        def max_pool_backward_naive(dout, cache):
            x, p = cache
            dx = np.zeros(x.shape)
            for i, j, at in windows(x, p):
                largest = x[at].max(axis=(2, 3), keepdims=True)
                dx[at] += (x[at] == largest) * dout[:, :, i : i + 1, j : j + 1]
            return dx
        """
    )
    loose, strict = command("check", "--quick", path), command("check", "--quick", "--strict", path)
    assert (loose.code, strict.code) == (0, 1)
    assert "1. TIE  max_pool_backward_naive" in loose.out


UNRUNNABLE = {
    "def f(:\n": "SyntaxError",
    "def f():\n    print 'x'\n": "print is a function in Python 3",
    "import os\nos._exit(0)\n": "exit code 0",
    "raise SystemExit(0)\n": "SystemExit",
    "x = 1\n": "no function of a known name",
}


@pytest.mark.parametrize("source", UNRUNNABLE, ids=repr)
def test_what_cannot_be_run_has_exit_code_2_and_says_why_and_what_to_do(
    command: Any, written: Any, source: str
) -> None:
    outcome = command("check", written(source))
    assert outcome.code == 2
    assert UNRUNNABLE[source] in outcome.out
    assert "to mend:" in outcome.out
    assert "Traceback" not in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no/such/file.py"], "is not there"),
        (["--quick", "--thorough", "."], "one of the two"),
        (["--map", "conv", "."], "conv_forward_naive=my_conv"),
        (["--seed", "-1", "."], "--seed"),
        (["--op", "convv", "."], "use --op='conv2d'"),
        (["--map", "relu_forwards=mine", "."], "use --map='relu_forward'"),
        (["pyproject.toml"], "a file of Python"),
    ],
)
def test_wrong_arguments_are_three_lines_and_exit_code_2(
    command: Any, arguments: list[str], words: str
) -> None:
    outcome = command("check", *arguments)
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 3
    assert words in outcome.err


def test_what_was_lent_or_missing_is_told(command: Any, written: Any) -> None:
    outcome = command("check", "--quick", written("import not_there\n" + textwrap.dedent(RIGHT)))
    assert outcome.code == 0
    assert "NOTICE  not_there: this module is not installed" in outcome.out


def test_a_module_of_the_course_that_cannot_be_imported_is_no_pass(
    command: Any, written: Any, tmp_path: Path
) -> None:
    written(RIGHT, "layers.py")
    written("def conv_forward_fast(:\n", "fast_layers.py")
    outcome = command("check", "--quick", tmp_path)
    assert outcome.code == 1
    assert "WRONG  fast_layers.py, line 1: it cannot be imported" in outcome.out


def test_a_case_of_a_file_whose_name_is_no_word_of_python_can_be_pasted(
    command: Any, written: Any
) -> None:
    outcome = command("check", "--quick", written(WRONG, "my-layers.py"))
    assert "affine_forward = importlib.import_module('my-layers').affine_forward" in outcome.out


def test_no_line_but_of_code_is_longer_than_80_letters(
    command: Any, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outcome = command("check", "--quick", written(WRONG))
    text = [line for line in outcome.lines if not line.startswith("     ")]
    assert max(map(len, text)) <= 80


def test_the_same_seed_finds_the_same(command: Any, written: Any) -> None:
    path = written(WRONG)
    first, second = (command("check", "--quick", "--seed", 3, path) for _ in range(2))
    assert first.out.splitlines()[1:] == second.out.splitlines()[1:]


def test_nothing_that_a_submission_says_reaches_the_terminal_as_a_command(
    command: Any, written: Any
) -> None:
    hostile = "\\x1b]0;mine\\x07\\x1b[2J\\u202e"
    says = f"""
        def relu_forward(x):
            raise ValueError("{hostile}")

        def softmax_loss(x, y):
            return "{hostile}", None
        """
    outcome = command("check", "--quick", written(says, "\x1b[31m\nlayers.py"))
    assert outcome.code == 1
    assert "\\x1b]0;mine\\x07" in outcome.out
    assert "\\x1b[31m\\nlayers.py: 2 implementations" in outcome.lines[0]
    assert not set("\x1b\x07\u202e") & set(outcome.out)
    unrunnable = command("check", written(f'raise ValueError("{hostile}")'))
    assert unrunnable.code == 2
    assert not set("\x1b\x07\u202e") & set(unrunnable.out)


def test_a_backward_pass_that_is_not_written_is_not_called_right(
    command: Any, written: Any
) -> None:
    path = written(RIGHT.replace("dout * (cache > 0)", "None"))
    outcome = command("check", "--quick", path)
    (row,) = (line for line in outcome.lines if line.startswith("relu_forward "))
    assert row.split()[2:] == ["right", "-"]
