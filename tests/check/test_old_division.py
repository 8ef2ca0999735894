"""Behind sizes that Python 2 divided to whole numbers, the rest of the code is judged too."""

from __future__ import annotations

import py_compile
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from importlib.machinery import FileFinder
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnpy.check.checking import EFFORTS, Report, check_path
from cnnpy.check.fence import Call, Fenced
from cnnpy.check.fence.old_division import divide_as_before
from cnnpy.check.observe import Grade

LOOPS = Path(__file__).with_name("styles") / "loops.py"


@pytest.fixture
def division(tmp_path: Path) -> Iterator[Any]:
    """Give ``division(source)``: what calls its ``f``, with Python 2's division."""
    opened: list[Fenced] = []

    def make(source: str) -> Any:
        path = tmp_path / "layers.py"
        path.write_text(textwrap.dedent(source))
        opened.append(Fenced(path, old_division=True))
        return lambda *arguments: opened[-1].call(Call("f", arguments)).returned

    yield make
    for one in opened:
        one.close()


@pytest.mark.parametrize(
    ("a", "b", "want"),
    [
        # as Python 2.7 and its NumPy print them
        (7, 2, 3),
        (-7, 2, -4),
        (7.0, 2, 3.5),
        (7, 2.0, 3.5),
        (True, 2, 0),
        (np.int64(7), 2, 3),
        (np.float64(7), 2, 3.5),
        (np.array([7, -7]), 2, [3, -4]),
        (7, np.array([2.0, 4.0]), [3.5, 1.75]),
    ],
)
def test_whole_numbers_give_a_whole_one_and_all_else_what_it_gives(
    division: Any, a: Any, b: Any, want: Any
) -> None:
    for source in (
        "def f(a, b):\n    return a / b",
        "def f(a, b):\n    c = a\n    c /= b\n    return c",
    ):
        if "/=" in source and isinstance(a, np.ndarray):
            source = source.replace("c = a", "c = a.copy()")
        got = division(source)(a, b)
        assert np.asarray(got).dtype.kind == np.asarray(want).dtype.kind
        assert np.asarray(got).tolist() == want


def test_a_literal_is_divided_as_it_is_today(division: Any) -> None:
    assert division("def f(a, b):\n    return 1 / (a * b)")(2, 2) == 0.25


def test_an_array_of_whole_numbers_is_divided_in_place(division: Any) -> None:
    f = division("def f(a):\n    same = a = a.copy()\n    a /= 2\n    return a is same, a.tolist()")
    assert f(np.array([7, -7])) == (True, [3, -4])


def test_an_array_is_divided_in_place(division: Any) -> None:
    f = division(
        """
        def f(a):
            same = a = a.copy()
            a /= 2
            same[0] /= 2
            return a is same, a
        """
    )
    is_same, a = f(np.array([8.0, 8.0]))
    assert is_same
    assert a.tolist() == [2.0, 4.0]


def test_a_file_that_asks_for_true_division_has_it(division: Any) -> None:
    f = division(
        '''
        """A file that knows both."""
        from __future__ import print_function, division
        def f(a, b):
            return a / b
        '''
    )
    assert f(7, 2) == 3.5


def test_an_error_is_in_the_line_that_it_was_in(tmp_path: Path) -> None:
    path = tmp_path / "layers.py"
    path.write_text("def f(n):\n    m = n / 2\n    return [0][m / 1]\n")
    with closing(Fenced(path, old_division=True)) as fenced:
        error = fenced.call(Call("f", [7])).error
    assert error is not None
    assert (error["kind"][0], error["line"], error["file"]) == ("IndexError", 3, "layers.py")


def test_what_the_file_imports_divides_so_too_and_no_library_does(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def half(n):\n    return n / 2\n")
    py_compile.compile(str(tmp_path / "helper.py"))  # with the division of today
    library = tmp_path / "venv" / "site-packages"
    library.mkdir(parents=True)
    (library / "known.py").write_text("def half(n):\n    return n / 2\n")
    (tmp_path / "layers.py").write_text(
        f"import sys\nsys.path.append({str(library)!r})\nimport helper, known, fractions\n"
        "def f(n):\n    return helper.half(n), known.half(n), str(fractions.Fraction(n) / 2)\n"
    )
    with closing(Fenced(tmp_path / "layers.py", old_division=True)) as fenced:
        assert fenced.call(Call("f", [7])).returned == (3, 3.5, "7/2")


def test_python_below_the_folder_of_a_submission_is_a_library_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mine", "python/lib", "venv/site-packages"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(sys, "path_hooks", [*sys.path_hooks])
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "python"))
    divide_as_before(tmp_path)
    find_in = sys.path_hooks[0]
    assert isinstance(find_in(str(tmp_path / "mine")), FileFinder)
    for other in ("python/lib", "venv/site-packages", "mine/not there", ".."):
        with pytest.raises(ImportError):
            find_in(str(tmp_path / other))


# --- what a check tells --------------------------------------------------------------------

OLD = {"- HH) // stride": "- HH) / stride", "- WW) // stride": "- WW) / stride"}


def check(tmp_path: Path, changes: dict[str, str], old: dict[str, str] = OLD) -> Report:
    text = LOOPS.read_text()
    for before, after in (old | changes).items():
        assert before in text
        text = text.replace(before, after)
    path = tmp_path / "layers.py"
    path.write_text(text)
    return check_path(path, effort=EFFORTS["quick"], ops=["conv2d"])


def test_a_mistake_behind_a_size_that_is_a_float_is_named(tmp_path: Path) -> None:
    report = check(tmp_path, {"pad : pad + H, pad : pad + W": "pad:-pad, pad:-pad"})
    wrong = {c.name: c for c in report.conclusions if c.grade is Grade.WRONG}
    assert set(wrong) == {"outdated", "conv2d_empties_dx_at_padding_0"}
    behind = wrong["conv2d_empties_dx_at_padding_0"]
    assert behind.function == "conv_backward_naive"
    assert behind.details[-1] == "it was seen once / gave whole sizes: mend that first"
    assert wrong["outdated"].mend == "/ gives a float in Python 3: use //"


def test_behind_a_size_that_is_a_float_nothing_is_wrong_with_what_is_right(tmp_path: Path) -> None:
    report = check(tmp_path, {})
    assert [c.name for c in report.conclusions if c.grade is Grade.WRONG] == ["outdated"]
    assert report.exit_code() == 1


def test_sizes_that_are_rounded_and_whole_numbers_that_are_not_taken_are_no_float_sizes(
    tmp_path: Path,
) -> None:
    rounded = {
        "H_out = 1 + (H + 2 * pad - HH) // stride": "H_out = round(1 + (H + 2*pad - HH) / stride)",
        "W_out = 1 + (W + 2 * pad - WW) // stride": "W_out = round(1 + (W + 2*pad - WW) / stride)",
        "dw[f] += dout[n, f, i, j] * window": "np.add(dw[f], dout[n, f, i, j] * window, out=dw[f])",
    }
    report = check(tmp_path, rounded, {})
    wrong = {c.name for c in report.conclusions if c.grade is Grade.WRONG}
    assert wrong == {"conv2d_rounds_the_size_to_the_nearest"}
