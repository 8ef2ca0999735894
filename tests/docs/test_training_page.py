"""The guide to training: its commands and its Python run, and it leaves no option out."""

from __future__ import annotations

import dataclasses
import doctest
import shlex
from pathlib import Path

import pytest

from cnnpy.cli.app import run
from cnnpy.train import Training

from .pages import blocks, leads_nowhere

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "training.md"


def test_the_commands_and_the_python_of_the_page_run_in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    n_commands = n_examples = 0
    for block in blocks(PAGE):
        if block.comment.startswith("file: "):
            Path(block.comment.removeprefix("file: ")).write_text(block.text)
        elif block.language == "sh":
            for line in block.text.splitlines():
                assert run(shlex.split(line)[1:]) == 0, line
                n_commands += 1
        elif block.language == "python":
            test = doctest.DocTestParser().get_doctest(block.text + "\n", {}, "page", None, 0)
            result = doctest.DocTestRunner().run(test)
            assert result.failed == 0
            n_examples += result.attempted
    assert n_commands == 8
    assert n_examples >= 7
    names = {path.name for path in Path("run").iterdir()}
    assert all(f"`{name}" in PAGE.read_text() for name in names)


def test_every_link_leads_somewhere():
    assert leads_nowhere(PAGE) == []


@pytest.mark.parametrize("field", dataclasses.fields(Training), ids=lambda f: f.name)
def test_each_option_has_its_place_in_the_table(field):
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert any(f"`{field.name}`" in row.split("|")[1] for row in rows)
