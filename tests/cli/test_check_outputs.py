"""The reports of ``cnnpy check``: where they go, and what is said where they cannot."""

from __future__ import annotations

import json
import textwrap
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cnnpy.check import check_path

SOURCE = """
    import numpy as np

    def relu_forward(x):
        return np.maximum(x, 0), x

    def relu_backward(dout, cache):
        return dout * (dout > 0)
"""


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    path = tmp_path / "layers.py"
    path.write_text(textwrap.dedent(SOURCE))
    return path


def test_every_report_is_written_beside_what_is_printed(command: Any, layers: Path) -> None:
    Path("rubric.toml").write_text("[points]\nrelu = { forward = 1, backward = 2 }\n")
    outcome = command(
        *("check", "--quick", layers, "--json", "r.json", "--html", "r.html"),
        *("--junit", "r.xml", "--gradescope", "results.json", "--rubric", "rubric.toml"),
    )
    assert outcome.code == 1
    assert "known as  relu_gates_by_the_gradient" in outcome.out
    assert json.loads(Path("r.json").read_text())["exit_code"] == 1
    assert "relu_gates_by_the_gradient" in Path("r.html").read_text()
    assert ElementTree.parse("r.xml").getroot().get("errors") == "0"
    assert json.loads(Path("results.json").read_text())["score"] == 1
    assert {p.name for p in Path().iterdir() if p.name.startswith(".")} == set()


@pytest.mark.parametrize("option", ["--json", "--gradescope"])
def test_a_report_on_standard_output_has_it_for_itself(
    command: Any, layers: Path, option: str
) -> None:
    outcome = command("check", "--quick", layers, option, "-")
    assert outcome.code == 1
    assert isinstance(json.loads(outcome.out), dict)
    assert outcome.err == ""


def test_a_submission_that_is_not_there_gets_0_points_with_the_reason(command: Any) -> None:
    Path("rubric.toml").write_text("[points]\nrelu = 1\n")
    options = ("--gradescope", "results.json", "--rubric", "rubric.toml")
    assert command("check", "nowhere.py", *options).code == 2
    results = json.loads(Path("results.json").read_text())
    assert results["score"] == 0
    assert "nowhere.py is not there" in results["output"]
    assert results["tests"][0]["max_score"] == 1


def test_a_rubric_speaks_of_a_function_by_its_known_name_where_it_has_another(
    command: Any, layers: Path
) -> None:
    layers.write_text(layers.read_text().replace("relu_forward", "up"))
    Path("rubric.toml").write_text("[points]\nrelu_forward = 3\n")
    command(
        *("check", "--quick", layers, "--map", "relu_forward=up"),
        *("--gradescope", "results.json", "--rubric", "rubric.toml"),
    )
    assert json.loads(Path("results.json").read_text())["score"] == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--json", "-", "--html", "-"], "one report on standard output"),
        (["--rubric", "rubric.toml"], "add --gradescope results.json"),
        (["--html", "no/such/folder/r.html"], "mkdir -p no/such/folder"),
        (["--json", "."], "the name of a file"),
        (["--gradescope", "g.json", "--rubric", "none.toml"], "none.toml is not there"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_tried(
    command: Any, layers: Path, options: list[str], words: str
) -> None:
    began = time.monotonic()
    outcome = command("check", layers, *options)
    assert outcome.code == 2
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 3
    assert time.monotonic() - began < 5
    assert outcome.out == ""


@pytest.mark.parametrize(("tried", "n_found"), [("softmax_loss", 1), ("relu_forward", 0)])
def test_what_was_found_is_kept_when_somebody_breaks_off(
    command: Any, layers: Path, monkeypatch: pytest.MonkeyPatch, tried: str, n_found: int
) -> None:
    layers.write_text(layers.read_text() + "def softmax_loss(x, y):\n    pass\n")

    def broken_off(path: Path, **options: Any) -> Any:
        watch = options["follow"]

        def follow(report: Any, one: Any) -> None:
            watch(report, one)
            if one.forward == tried:
                raise KeyboardInterrupt

        return check_path(path, **options | {"follow": follow})

    monkeypatch.setattr("cnnpy.cli.check.check_path", broken_off)
    outcome = command("check", "--quick", layers, "--json", "r.json")
    assert outcome.code == 130
    if n_found == 0:
        assert outcome.err == "interrupted: nothing was tried yet\n"
        assert not Path("r.json").exists()
        return
    assert outcome.err == "interrupted after 1 implementation; the rest is untried\n"
    assert "known as  relu_gates_by_the_gradient" in outcome.out
    data = json.loads(Path("r.json").read_text())
    assert data["complete"] is False
    assert [one["forward"] for one in data["implementations"]] == ["relu_forward"]
