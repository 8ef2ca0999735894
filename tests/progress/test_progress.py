"""A run told in lines and in a real notebook; numbers come from reports made by hand."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import cnnpy
from cnnpy.progress import NotebookProgress, Progress, progress
from cnnpy.train import Callback, EpochReport, FitPlan, StepReport


@pytest.fixture
def told(monkeypatch):
    """Follow two epochs of ten steps, of 32 images, on a clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr("cnnpy.progress.time.perf_counter", lambda: now[0])
    lines = []
    follow = Progress(lines.append)
    follow.on_start(FitPlan(None, 2, 10, 320))
    now[0] += 4
    follow.on_step(StepReport(1, 5, 0.1, 160, 1.25, 0.5))
    return follow, lines, now


def test_a_line_has_the_numbers_of_its_epoch_under_their_heads(told):
    follow, lines, now = told
    follow.on_step(StepReport(1, 10, 0.1, 320, 1.0, 0.5))
    now[0] += 4
    follow.on_epoch(EpochReport(1, 0.1, 1.0, 0.5, 0.75, 0.625, 1234.5, 8.0, True), None)
    assert lines == [
        "                 training          validation",
        "epoch      loss  accuracy      loss  accuracy  images/s  elapsed     left",
        "  1/2    1.0000   50.00 %    0.7500   62.50 %     1,234     0:08     0:08 *",
    ]
    assert all(len(line) <= 80 for line in lines)


def test_between_epochs_it_says_where_it_is_and_what_is_left(told):
    follow, _, _ = told
    assert follow.share() == (5, 20)
    assert follow.reached() == "after 5 steps"
    # 160 images and 5 of 20 steps in 4 seconds
    assert follow.numbers(StepReport(1, 5, 0.1, 160, 1.25, 0.5)) == (
        *("epoch 1/2", "loss 1.2500", "50.00 %", "40 images/s", "0:12 left"),
    )


def test_a_run_that_goes_on_says_from_where_and_is_not_faster_for_what_was_done(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("cnnpy.progress.time.perf_counter", lambda: now[0])
    lines = []
    follow = Progress(lines.append)
    follow.on_start(FitPlan(None, 3, 10, 320, epoch=2, step=5))
    assert lines[:2] == ["goes on after 1 epoch and 5 steps", ""]
    now[0] = 5.0
    follow.on_step(StepReport(2, 10, 0.1, 320, 1.0, 0.5))
    assert follow.numbers(StepReport(2, 10, 0.1, 320, 1.0, 0.5))[-1] == "0:10 left"


def test_a_run_that_is_over_and_a_warning_are_told_in_a_line():
    lines = []
    follow = Progress(lines.append)
    follow.on_start(FitPlan(None, 1, 10, 320, epoch=2))
    follow.on_warning("the loss rises")
    assert lines == ["the run was over; nothing is left to train", "! the loss rises"]


def test_in_a_program_lines_are_printed(capsys):
    x = np.random.default_rng(0).random((8, 1, 4, 4), np.float32)
    images = cnnpy.data.Dataset(x, np.arange(8) % 2, ("a", "b"), white=1.0)
    model = cnnpy.nn.Sequential(cnnpy.nn.Flatten(), cnnpy.nn.Linear(2))
    follow = progress()
    assert type(follow) is Progress
    cnnpy.train.fit(model, images, epochs=2, batch_size=4, callbacks=[follow])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["training", "epoch", "1/2", "2/2"]


# --- in a notebook -----------------------------------------------------------------------

CELL = """
import numpy as np
import cnnpy
from cnnpy.progress import progress
x = np.random.default_rng(0).random((8, 1, 4, 4), np.float32)
images = cnnpy.data.Dataset(x, np.arange(8) % 2, ("a", "b"), white=1.0)
model = cnnpy.nn.Sequential(cnnpy.nn.Flatten(), cnnpy.nn.Linear(2))
follow = progress()
classifier = cnnpy.train.fit(
    model, images, epochs=3, batch_size=4, schedule="constant", lr=0.0, callbacks=[follow]
)
"""

CHECK = """
from cnnpy import check
check.run({"relu_forward": lambda x: (np.maximum(x, 0.1), x)}, effort=check.EFFORTS["quick"])
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Run a notebook in its kernel; return what stands below each cell."""
    import nbformat
    from nbclient import NotebookClient

    cells = [CELL, "follow", "model.summary()", CHECK, "print(_)"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    client.execute(cwd=str(tmp_path_factory.mktemp("notebook")))
    return [cell.outputs for cell in notebook.cells]


def test_a_notebook_shows_one_table_that_grew_and_no_bar_at_the_end(outputs):
    table, *rest = [out["data"]["text/html"] for out in outputs[0]]
    assert re.findall(r"<td>(\d/3)</td>", table) == ["1/3", "2/3", "3/3"]
    assert table.count("<table") == 1
    assert not any("<progress" in html for html in rest)
    assert "NotebookProgress" in outputs[1][0]["data"]["text/plain"]


def test_a_notebook_shows_a_summary_as_its_table(outputs):
    lines = outputs[2][0]["data"]["text/plain"].splitlines()
    assert lines[0].split() == ["layer", "output", "parameters", "FLOPs", "memory"]
    assert "34 parameters" in lines[-1]


def test_a_notebook_shows_a_check_as_its_page_in_a_frame_without_rights(outputs):
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append((tag, dict(attributes)))
    parser.feed(outputs[3][0]["data"]["text/html"])
    ((tag, attributes),) = tags
    assert (tag, attributes["sandbox"]) == ("iframe", "")
    assert attributes["srcdoc"].startswith("<!DOCTYPE html>")
    assert "relu_forward" in attributes["srcdoc"]
    text = "".join(out["text"] for out in outputs[4])
    assert text.startswith("functions: wrong; 1 implementation, ")
    assert "1. WRONG  relu_forward: " in text


def test_the_bar_of_a_notebook_follows_the_steps(monkeypatch):
    shown = []
    monkeypatch.setattr("cnnpy.progress._Output.show", lambda self, content: shown.append(content))
    follow = NotebookProgress()
    follow.on_start(FitPlan(None, 2, 10, 320))
    follow.on_step(StepReport(1, 5, 0.1, 160, 1.25, 0.5))
    bar = shown[-1].find("progress")
    assert (bar.get("value"), bar.get("max")) == ("5", "20")
    assert "epoch 1/2 · loss 1.2500 · 50.00 %" in bar.tail
    n = len(shown)
    follow.on_step(StepReport(1, 6, 0.1, 192, 1.25, 0.5))  # at once: not shown
    assert len(shown) == n


def test_a_warning_in_a_notebook_stands_above_the_table(monkeypatch):
    shown = []
    monkeypatch.setattr("cnnpy.progress._Output.show", lambda self, content: shown.append(content))
    follow = NotebookProgress()
    follow.on_start(FitPlan(None, 2, 10, 320))
    follow.on_epoch(EpochReport(1, 0.1, 1.0, 0.5, 0.75, 0.625, 1234.5, 8.0, True), None)
    follow.on_epoch(EpochReport(2, 0.1, 1.0, 0.5, 0.9, 0.5, 1234.5, 8.0, False), None)
    follow.on_warning("the loss <rises>")
    assert [child.tag for child in shown[-1]] == ["p", "table"]
    rows = shown[-1].findall("table/tbody/tr")
    assert [row.find("td").text for row in rows if row.get("style")] == ["1/2"]
    assert shown[-1].find("p").text == "! the loss <rises>"


def test_every_hook_of_a_run_is_known_to_the_callback():
    hooks = {name for name in vars(Callback) if name.startswith("on_")}
    assert {n for c in NotebookProgress.__mro__ for n in vars(c) if n.startswith("on_")} == hooks
