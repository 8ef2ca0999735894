"""A line is pointed at where the mistake has a look of its own, and nowhere else."""

from __future__ import annotations

import ast
import runpy
import textwrap
from pathlib import Path
from typing import Any

import pytest

from cnnpy.check.checking import EFFORTS, check_path, run
from cnnpy.check.lines import _LOOKS, Source, lines_of, source_of_file
from cnnpy.check.mistakes import MISTAKES

STYLES = ("loops", "windows", "im2col")
FOLDER = Path(__file__).with_name("styles")
PLANTED: dict[str, dict[str, Any]] = runpy.run_path(str(FOLDER / "planted.py"))["PLANTED"]

SAYS_NOTHING = {
    # written in another way there, or with more than one place that looks alike
    ("conv2d_overwrites_dx", "windows"),
    ("conv2d_adds_once_for_repeated_indices", "windows"),
    ("max_pool2d_gives_every_tie_the_gradient", "windows"),
    ("max_pool2d_overwrites_where_windows_overlap", "windows"),
    ("conv2d_pads_every_axis", "windows"),
    ("avg_pool2d_adds_once_for_repeated_indices", "windows"),
    ("relu_passes_the_gradient_at_zero", "im2col"),
    ("max_pool2d_rounds_the_size_up", "im2col"),
    ("conv2d_rounds_the_size_up", "im2col"),
    *(("conv2d_pads_by_one", style) for style in STYLES),
}

CASES = [
    (name, style)
    for name in _LOOKS
    for style in STYLES
    if not isinstance(PLANTED[name][style], str) and (name, style) not in SAYS_NOTHING
]


def planted(name: str, style: str) -> tuple[str, dict[str, set[int]]]:
    """Write a mistake into a style's source; give it with the lines that changed, by pass."""
    text = (FOLDER / f"{style}.py").read_text()
    changed: dict[str, set[int]] = {"forward": set(), "backward": set()}
    for function, old, new in PLANTED[name][style]:
        (node,) = (n for n in ast.parse(text).body if getattr(n, "name", "") == function)
        segment = (ast.get_source_segment(text, node) or "") + "\n"
        first = node.lineno + segment[: segment.index(old)].count("\n")
        where = "backward" if "backward" in function else "forward"
        changed[where] |= set(range(first, first + new.count("\n") + 1))
        text = text.replace(segment, segment.replace(old, new))
    return text, changed


def functions(name: str) -> dict[str, str]:
    row = next(row for row in PLANTED[name].values() if not isinstance(row, str))
    stem = row[0][0].replace("_backward", "_forward")
    return {"forward": stem, "backward": stem.replace("_forward", "_backward")}


@pytest.mark.parametrize(("name", "style"), CASES)
def test_the_line_that_was_changed_is_pointed_at(name: str, style: str) -> None:
    text, changed = planted(name, style)
    where = functions(name)
    said = lines_of(name, where, dict.fromkeys(where.values(), Source(text)))
    numbers = {int(word.strip(":")) for word in said.split() if word.strip(":").isdigit()}
    assert numbers, f"nothing was said of {sorted(changed[_LOOKS[name][0]])}"
    if said.startswith("line "):
        number = int(said.split()[1].strip(":"))
        assert number in changed[_LOOKS[name][0]]
        assert said == f"line {number}: {text.splitlines()[number - 1].strip()}"
    else:
        assert said.startswith("one of the lines ")
        assert numbers & changed[_LOOKS[name][0]]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", _LOOKS)
def test_nothing_is_pointed_at_in_what_is_right(name: str, style: str) -> None:
    where = functions(name)
    text = (FOLDER / f"{style}.py").read_text()
    assert lines_of(name, where, dict.fromkeys(where.values(), Source(text))) == ""


def test_a_border_of_one_written_as_a_number_is_pointed_at() -> None:
    text = """
def up(x, w, b, p):
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), "constant")
"""
    said = lines_of("conv2d_pads_by_one", {"forward": "up"}, {"up": Source(text)})
    assert said.startswith("line 3: x = np.pad(x,")


def test_only_known_mistakes_have_a_look() -> None:
    assert set(_LOOKS) <= set(MISTAKES)


WRONG = """
    import numpy as np


    def relu_forward(x):
        return np.maximum(x, 0), x


    def relu_backward(dout, x):
        # a comment, so that lines are counted
        return dout * (dout > 0)
"""


def test_a_check_of_a_file_and_one_of_a_package_point_at_the_line(tmp_path: Path) -> None:
    (tmp_path / "layers.py").write_text(textwrap.dedent(WRONG))
    for path in (tmp_path / "layers.py", tmp_path):
        report = check_path(path, effort=EFFORTS["quick"])
        assert report.conclusions[0].details == ("line 11: return dout * (dout > 0)",)


def test_a_check_of_functions_points_at_the_line() -> None:
    def relu_forward(x: Any) -> Any:
        return x * (x > 0), x

    def relu_backward(dout: Any, x: Any) -> Any:
        return dout * (dout > 0)

    report = run({"relu_forward": relu_forward, "relu_backward": relu_backward})
    number = relu_backward.__code__.co_firstlineno + 1
    assert report.conclusions[0].details == (f"line {number}: return dout * (dout > 0)",)


def test_a_file_outside_of_the_folder_and_one_too_large_are_not_read(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside.py"
    inside.mkdir()
    outside.write_text("x = 1\n")
    (inside / "layers.py").symlink_to(outside)
    (inside / "large.py").write_text("#" * (1 << 20) + "\n")
    (inside / "small.py").write_text("x = 1\n")
    assert source_of_file(inside, "layers") is None
    assert source_of_file(inside, "large") is None
    assert source_of_file(inside, "package.small") == Source("x = 1\n")
    assert source_of_file(inside, "..outside") is None


@pytest.mark.parametrize("text", ["def down(:\n", "x = " + "(" * 5000, "\0", ""])
def test_what_cannot_be_read_as_python_is_not_pointed_at(text: str) -> None:
    where = {"forward": "up", "backward": "down"}
    assert lines_of("relu_gates_by_the_gradient", where, {"down": Source(text)}) == ""
