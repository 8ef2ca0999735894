"""The page on augmentation: what it shows runs, and it leaves no augmentation out."""

from __future__ import annotations

import dataclasses
import doctest
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from cnnpy.data import AUGMENTATIONS, MIXINGS, VIEWS

from .pages import leads_nowhere

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guide" / "augmentation.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_what_the_page_shows_runs_and_prints_what_it_says():
    result = doctest.testfile(
        str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert result.attempted > 20
    assert result.failed == 0


def test_every_link_leads_somewhere():
    assert leads_nowhere(PAGE) == []
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", TEXT):
        assert (PAGE.parent / picture).exists()


@pytest.mark.parametrize("name", AUGMENTATIONS | MIXINGS)
def test_each_has_its_row_with_options_that_it_has(name):
    kind = (AUGMENTATIONS | MIXINGS)[name]
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |"))
    called, options = re.search(r"`(\w+)\(([^)]*)\)`", row).groups()
    assert called == kind.__name__
    fields = [field.name for field in dataclasses.fields(kind)]
    assert options.split(", ") == [name for name in fields if name != "white"]


def test_each_view_is_named():
    assert all(f"`{name}`" in TEXT for name in VIEWS)


def test_the_picture_shows_what_its_rows_say():
    path = ROOT / "tools" / "draw_augmentations.py"
    spec = importlib.util.spec_from_file_location("draw_augmentations", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    rows = tool.PHOTO_ROWS | tool.DIGIT_ROWS
    for text, what in rows.items():
        assert eval(text, vars(tool)) == what
    shown = {type(what) for what in rows.values()}
    assert shown >= set(AUGMENTATIONS.values())
    image = np.random.default_rng(0).integers(0, 256, (2, 3, 64, 64), dtype=np.uint8)
    for what in tool.PHOTO_ROWS.values():
        made = tool.draws(what, image)
        assert made.shape == (1 + tool.N_DRAWS, 3, 64, 64)
        assert np.array_equal(made[0], image[0])
        assert (made[1:] != image[0]).any()
