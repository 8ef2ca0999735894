"""A folder of submissions: a row each, whatever any one of them does."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from cnnpy.check.reports import csv_of
from cnnpy.check.submissions import check_submissions, find_submissions

RIGHT = """
    import numpy as np

    def relu_forward(x):
        return np.maximum(x, 0), x

    def relu_backward(dout, cache):
        return dout * (cache > 0)
"""
WRONG = RIGHT.replace("cache > 0", "dout > 0")

Verdict = tuple[str, str, str]
"""The verdict, the mistakes, and words of the reason."""

SUBMISSIONS: dict[str, tuple[str, Verdict]] = {
    "right.py": (RIGHT, ("right", "", "")),
    "wrong.py": (WRONG, ("wrong", "relu_gates_by_the_gradient", "")),
    "syntax.py": ("def f(:\n", ("could not run", "", "SyntaxError")),
    "leaves.py": ("import os\nos._exit(0)\n", ("could not run", "", "exit code 0")),
    "exits.py": ("raise SystemExit(0)\n", ("could not run", "", "SystemExit")),
    "nothing.py": ("x = 1\n", ("could not run", "", "no function of a known name")),
    "unwritten.py": (
        "def relu_forward(x):\n    return None, x\n",
        ("could not run", "", "not written"),
    ),
    "prints.py": (
        'import sys\nprint(\'{"verdict": "right"}\', flush=True)\n'
        "sys.stderr.write('passed')\n" + textwrap.dedent(WRONG),
        ("wrong", "relu_gates_by_the_gradient", ""),
    ),
    "kills.py": (
        "import os\ntry: os.kill(os.getppid(), 9)\nexcept OSError: pass\n" + textwrap.dedent(RIGHT),
        ("right", "", ""),
    ),
    "forks.py": (
        "import os\ntry:\n    while True: os.fork()\nexcept OSError: pass\n"
        + textwrap.dedent(RIGHT),
        ("right", "", ""),
    ),
    "deletes.py": (
        "import os, pathlib\n"
        "for p in pathlib.Path(__file__).parent.iterdir():\n"
        "    try: os.unlink(p)\n    except OSError: pass\n" + textwrap.dedent(RIGHT),
        ("could not run", "", "Permission denied"),
    ),
    "terabyte.py": (
        "import numpy as np\ntry: np.ones(1 << 40)\nexcept MemoryError: pass\n"
        + textwrap.dedent(RIGHT),
        ("right", "", ""),
    ),
    "crashes.py": (
        "import ctypes\nctypes.string_at(0)\n",
        ("could not run", "", "segmentation fault"),
    ),
    "patches.py": (
        "import numpy as np\nnp.allclose = np.array_equal = np.abs = lambda *a, **k: True\n"
        + textwrap.dedent(WRONG),
        ("wrong", "relu_gates_by_the_gradient", ""),
    ),
    "=HYPERLINK(1).py": (RIGHT, ("right", "", "")),
    "new\nline\x1b[2J.py": (RIGHT, ("right", "", "")),
    "세번째, 'quoted' \"name\".py": (RIGHT, ("right", "", "")),
    "folder/layers.py": (RIGHT, ("right", "", "")),
    "no_code/readme.txt": ("see the other folder", ("could not run", "", "")),
    "x" * 240 + ".py": (RIGHT, ("right", "", "")),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "class"
    for name, (source, _) in SUBMISSIONS.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
    (top / "notes.txt").write_text("no submission")
    (top / ".hidden.py").write_text("no submission")
    return top


def rows_of(text: str) -> dict[str, dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    names = [row["submission"] for row in rows]
    assert len(set(names)) == len(names)
    return {row["submission"]: row for row in rows}


def written(name: str) -> str:
    """Give a name as the table has it."""
    text = name.split("/")[0].replace("\n", "\\n").replace("\x1b", "\\x1b")
    return f"'{text}" if text.startswith("=") else text


@pytest.mark.skipif(sys.platform != "linux", reason="held by Linux alone")
def test_nobody_gets_a_grade_for_what_another_has_written(command: Any, tmp_path: Path) -> None:
    (tmp_path / "ana.py").write_text(textwrap.dedent(RIGHT))
    (tmp_path / "bo.py").write_text("from ana import relu_forward, relu_backward\n")
    (tmp_path / "cy.py").write_text("exec(open(__file__.replace('cy', 'ana')).read())\n")
    command("check", tmp_path, "--quick", "--csv", "table.csv")
    rows = rows_of(Path("table.csv").read_text(encoding="utf-8"))
    verdicts = {name: row["verdict"] for name, row in rows.items()}
    assert verdicts["ana.py"] == "right"
    assert "right" not in (verdicts["bo.py"], verdicts["cy.py"])


@pytest.mark.skipif(sys.platform != "linux", reason="held by Linux alone")
def test_each_of_twenty_hostile_submissions_gets_its_own_row(command: Any, folder: Path) -> None:
    assert len(find_submissions(folder)) == len(SUBMISSIONS) == 20
    outcome = command("check", folder, "--quick", "--csv", "table.csv", "--json", "each")
    assert outcome.code == 1
    assert outcome.err == ""
    text = Path("table.csv").read_text(encoding="utf-8")
    rows = rows_of(text)
    assert set(rows) == {written(name) for name in SUBMISSIONS}
    for name, (_, (verdict, mistakes, reason)) in SUBMISSIONS.items():
        row = rows[written(name)]
        assert (row["verdict"], row["mistakes"]) == (verdict, mistakes), name
        assert reason in row["reason"]
        assert row["relu"] in ("", *verdict.split(), "not written")
    verdicts = [row["verdict"] for row in rows.values()]
    told = f"{verdicts.count('right')} right, {verdicts.count('wrong')} wrong"
    assert f"20 submissions: {told}" in outcome.out
    assert "\x1b" not in outcome.out
    assert (folder / "right.py").exists()
    each = [json.loads(path.read_text()) for path in Path("each").iterdir()]
    assert sorted(data["verdict"] for data in each) == sorted(verdicts)


def test_rows_are_sorted_by_name_whatever_finishes_first(command: Any, tmp_path: Path) -> None:
    top = tmp_path / "class"
    top.mkdir()
    names = ["c.py", "a.py", "b.py"]
    for name in names:
        (top / name).write_text(textwrap.dedent(WRONG if name == "a.py" else RIGHT))
    outcome = command("check", top, "--quick", "--csv", "-", "--jobs", 3)
    assert [line.split(",")[0] for line in outcome.lines] == ["submission", "a.py", "b.py", "c.py"]
    assert outcome.lines[0] == "submission,verdict,relu,mistakes,ties,seconds,reason"
    assert outcome.lines[1].startswith("a.py,wrong,wrong,relu_gates_by_the_gradient,,")


@pytest.mark.parametrize(
    ("sources", "code"),
    [
        ([RIGHT, RIGHT], 0),
        ([RIGHT, WRONG], 1),
        ([RIGHT, "def f(:"], 1),
        (["def f(:", "x = 1"], 2),
    ],
)
def test_the_exit_code_is_0_for_all_right_2_for_none_that_ran_and_1_else(
    command: Any, tmp_path: Path, sources: list[str], code: int
) -> None:
    top = tmp_path / "class"
    top.mkdir()
    for k, source in enumerate(sources):
        (top / f"{k}.py").write_text(textwrap.dedent(source))
    assert command("check", top, "--quick", "--csv", "t.csv").code == code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.py", "--csv", "t.csv"], "leave --csv out"),
        (["empty", "--csv", "t.csv"], "there is no submission"),
        (["class", "--csv", "t.csv", "--gradescope", "g"], "leave --gradescope out"),
        (["class", "--csv", "t.csv", "--html", "a.py"], "name a folder: --html reports"),
        (["class", "--csv", "t.csv", "--jobs", "0"], "--jobs=1"),
        (["class", "--csv", "no/t.csv"], "mkdir -p no"),
        (["class", "--csv", "t.csv", "--rubric", "r.toml"], "leave --rubric out"),
        (["class", "--jobs", "2"], "add --csv table.csv"),
    ],
)
def test_wrong_arguments_are_three_lines(command: Any, arguments: list[str], words: str) -> None:
    for name in ("class", "empty"):
        Path(name).mkdir()
    for name in ("a.py", "class/a.py", "r.toml"):
        Path(name).write_text("")
    outcome = command("check", *arguments)
    assert outcome.code == 2
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 3


def test_one_that_takes_too_long_could_not_be_run_and_nothing_of_it_runs_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "endless.py").write_text("while True: pass")
    ((_, data),) = check_submissions(find_submissions(tmp_path), effort="quick", most_s=1.5)
    (row,) = rows_of(csv_of([data])).values()
    assert row["verdict"] == "could not run"
    assert row["reason"] == "it took longer than 1.5 s"
    assert children() == set()


def test_a_judge_that_fails_is_a_submission_that_could_not_be_run(tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(textwrap.dedent(RIGHT))
    ((_, data),) = check_submissions(find_submissions(tmp_path), effort="of no such name")
    assert data["verdict"] == "could not run"
    assert data["not_loaded"] is not None
    assert data["not_loaded"]["what"] == "the check of it ended with exit code 1"


def test_after_a_judge_that_was_ended_another_takes_the_next(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("while True: pass")
    (tmp_path / "right.py").write_text(textwrap.dedent(RIGHT))
    paths = find_submissions(tmp_path)
    found = {path.name: data for path, data in check_submissions(paths, jobs=1, most_s=8.0)}
    assert found["endless.py"]["verdict"] == "could not run"
    assert found["right.py"]["verdict"] == "right"
    assert children() == set()


def test_what_a_judge_saw_before_changes_nothing(tmp_path: Path) -> None:
    for name, source in (("a.py", WRONG), ("b.py", RIGHT), ("c.py", WRONG)):
        (tmp_path / name).write_text(textwrap.dedent(source))
    paths = find_submissions(tmp_path)

    def told(paths: list[Path]) -> dict[str, Any]:
        of_all = check_submissions(paths, effort="quick", jobs=1)
        return {path.name: {**data, "seconds": 0} for path, data in of_all}

    together = told(paths)
    assert together == told(paths[::-1])
    assert together == {name: data for path in paths for name, data in told([path]).items()}


def children() -> set[str]:
    """Name the processes below this one."""
    found: set[str] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = stat.read_text().rpartition(")")[2].split()[1]
        except OSError:  # it ended meanwhile
            continue
        if parent == str(os.getpid()):
            found.add(stat.parent.name)
    return found


def test_ctrl_c_ends_all_and_leaves_the_rows_that_are_finished(start: Any, tmp_path: Path) -> None:
    top = tmp_path / "class"
    top.mkdir()
    (top / "a.py").write_text(textwrap.dedent(WRONG))
    for name in "bcd":
        (top / f"{name}.py").write_text("while True: pass")
    home = tmp_path / "scratch"
    home.mkdir()
    checking = start(
        *("-m", "cnnpy", "check", "class", "--quick", "--csv", "t.csv", "--jobs", 2),
        env={"TMPDIR": str(home)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert "a.py: wrong" in checking.stdout.readline()
    time.sleep(0.5)
    checking.send_signal(signal.SIGINT)
    _, err = checking.communicate(timeout=60)
    assert checking.returncode == 130
    assert err == "interrupted after 1 of 4 submissions; the table has these\n"
    assert list(rows_of((tmp_path / "t.csv").read_text())) == ["a.py"]
    assert list(home.iterdir()) == []  # whoever ended in good order took his folder with him


@pytest.mark.parametrize(
    ("cell", "want"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1.py", "'-1.py"),
        ("@SUM(1)", "'@SUM(1)"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
    ],
)
def test_no_cell_is_a_formula(cell: str, want: str) -> None:
    from cnnpy.check import Report
    from cnnpy.check.reports import as_data

    assert list(rows_of(csv_of([as_data(Report(cell))]))) == [want]


def test_layers_of_any_kind_have_a_column(command: Any, tmp_path: Path) -> None:
    top = tmp_path / "class"
    top.mkdir()
    (top / "functions.py").write_text(textwrap.dedent(RIGHT))
    (top / "classes.py").write_text(
        textwrap.dedent(
            """
            class Affine:
                def __init__(self, W, b):
                    self.W, self.b = W, b

                def forward(self, x):
                    self.x = x
                    return x @ self.W + self.b

                def backward(self, dout):
                    self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
                    return dout @ self.W.T
            """
        )
    )
    rows = rows_of(command("check", top, "--quick", "--csv", "-").out)
    assert rows["functions.py"]["relu"] == "right"
    assert rows["classes.py"]["relu"] == ""
    heads = list(rows["classes.py"])
    tasks = heads[heads.index("verdict") + 1 : heads.index("mistakes")]
    assert len(tasks) == 2
    assert {rows["classes.py"][task] for task in tasks} == {"right", ""}
