"""The built-in digits are the real ones."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest

from cnnpy.data import digits


def test_the_digits_equal_those_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    theirs = datasets.load_digits()
    ours = digits()
    assert np.array_equal(ours.images[:, 0], theirs.images)
    assert np.array_equal(ours.labels, theirs.target)


def test_the_digits_are_1797_images_of_bytes_up_to_16():
    data = digits()
    assert data.images.shape == (1797, 1, 8, 8)
    assert data.images.dtype == np.uint8
    assert (int(data.images.max()), data.white) == (16, 16.0)
    assert data.class_names == tuple("0123456789")


def test_the_attribution_stands_beside_the_digits():
    text = resources.files("cnnpy.data").joinpath("digits_LICENSE.txt").read_text("utf-8")
    for part in ("E. Alpaydin, C. Kaynak", "1998", "10.24432/C50P49", "CC BY 4.0"):
        assert part in text
        assert part in str(digits.__doc__)
