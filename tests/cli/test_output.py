"""How numbers are written, and what the defaults follow from."""

from __future__ import annotations

import math

import pytest

from cnnpy.cli.defaults import known_name, usual_augmentation
from cnnpy.written import clock, count, decimal, in_bytes, percent, plural


@pytest.mark.parametrize(
    ("written", "want"),
    [
        (percent(0.98606), "98.61 %"),
        (percent(1.0), "100.00 %"),
        (percent(math.nan), "-"),
        (decimal(0.04321), "0.0432"),
        (decimal(12345.6), "1.23e+04"),
        (decimal(math.nan), "nan"),
        (clock(0.4), "0:00"),
        (clock(59.6), "1:00"),
        (clock(3 * 3600 + 62), "3:01:02"),
        (count(999), "999"),
        (count(1_240_000), "1.24 M"),
        (count(999_700), "1 M"),
        (in_bytes(2048), "2 KiB"),
        (in_bytes(1010 * 1024), "0.986 MiB"),
        (plural(1, "image"), "1 image"),
        (plural(1078, "image"), "1,078 images"),
        (plural(10, "class"), "10 classes"),
    ],
)
def test_numbers_are_written_for_people(written, want):
    assert written == want


@pytest.mark.parametrize("name", ["fashion-mnist", "Fashion_MNIST", "FASHIONMNIST"])
def test_names_of_data_sets_are_known_in_any_writing(name):
    assert known_name(name) == "fashion-mnist"
    assert known_name(f"./{name}") is None


def test_images_are_shifted_by_an_eighth_where_no_recipe_says_else():
    assert repr(usual_augmentation((3, 33, 40))) == "RandomShift(4)"
    assert usual_augmentation((1, 7, 100)) is None
