"""What the page on reports shows is what comes out."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cnnpy.check.reports import read_rubric
from cnnpy.cli.app import run

PAGE = (Path(__file__).parents[2] / "docs" / "check" / "reports.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "mini.py"
    path.write_text(blocks("python")[0])
    return path


def printed(*arguments: object) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        run([str(argument) for argument in arguments])
    return out.getvalue()


def same(shown: Any, got: Any, at: str = "report") -> None:
    """Hold what is shown against what comes out, but for numbers and lists that are cut."""
    if at.endswith((".seconds", ".versions", ".cases", ".says", ".values", ".property")):
        assert type(shown) is type(got), at
    elif isinstance(shown, dict):
        assert list(shown) == list(got), at
        for key, value in shown.items():
            same(value, got[key], f"{at}.{key}")
    elif isinstance(shown, list):
        for k, value in enumerate(shown):
            same(value, got[k], f"{at}[{k}]")
    elif not at.endswith(("_text", ".snippet")):
        assert shown == got, at


def test_the_json_of_the_page_is_that_of_its_submission(mini: Path) -> None:
    (shown,) = blocks("json")
    same(json.loads(shown), json.loads(printed("check", mini, "--quick", "--json", "-")))


def test_the_rubric_of_the_page_can_be_read(tmp_path: Path) -> None:
    (shown,) = blocks("toml")
    path = tmp_path / "rubric.toml"
    path.write_text(shown)
    points = tomllib.loads(shown)["points"]
    assert {entry.name for entry in read_rubric(path).entries} == set(points)


def test_the_columns_of_the_page_are_those_of_a_table(mini: Path) -> None:
    (head,) = (block for block in blocks("text") if block.startswith("submission,"))
    got = printed("check", mini.parent, "--quick", "--csv", "-").splitlines()[0]
    without_tasks = [c for c in head.strip().split(",") if c not in ("convolution", "max pooling")]
    assert [c for c in got.split(",") if c != "relu"] == without_tasks


def test_every_option_of_the_page_is_one_of_the_command_or_of_pytest() -> None:
    help_ = printed("check", "--help")
    for option in set(re.findall(r"--[a-z][a-z-]*", PAGE)):
        if option.startswith("--cnnpy-"):
            plugin = Path(__file__).parents[2] / "src" / "cnnpy" / "check" / "pytest_plugin.py"
            assert f'"{option}"' in plugin.read_text()
        else:
            assert option in help_, option


def test_the_three_lines_of_the_page_make_tests() -> None:
    lines = blocks("python")[1]
    names: dict[str, Any] = {}
    layers = "relu = {'relu_forward': lambda x: (x, x)}"
    exec(f"{layers}\n{lines.replace('import layers', '').replace('(layers)', '(relu)')}", names)
    (mark,) = names["test_layers"].pytestmark
    assert mark.name == "parametrize"
    assert len(mark.args[1]) > 3
