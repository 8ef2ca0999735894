"""From X to images: rows with a shape, images as they are, and what is neither."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sklearn")

from cnnpy.contract import OptionError, ShapeError
from cnnpy.sklearn import CNNClassifier, CNNRegressor
from cnnpy.sklearn.images import as_rows, find_image_shape

from .conftest import corners

sides = st.integers(1, 9)


@given(st.integers(1, 5), st.integers(1, 4), sides, sides)
def test_rows_of_the_shape_of_images_are_the_images(n, C, H, W):
    images = np.arange(n * C * H * W).reshape(n, C, H, W)
    rows, given_shape = as_rows("here", images)
    assert rows.shape == (n, C * H * W)
    shape = find_image_shape("here", None, C * H * W, (C, H, W))
    assert shape == given_shape == (C, H, W)
    assert np.array_equal(rows.reshape(n, *shape), images)


@given(sides, sides)
def test_a_shape_of_two_sides_has_one_channel(H, W):
    assert find_image_shape("here", None, H * W, (H, W)) == (1, H, W)


@given(st.integers(1, 99))
def test_without_a_shape_the_features_are_one_row(n_features):
    assert find_image_shape("here", None, n_features, None) == (1, 1, n_features)


def test_rows_with_a_shape_and_images_train_to_the_same_bits():
    images, y = corners(40)
    rows = images.reshape(40, -1)
    ways = [
        CNNClassifier(epochs=2, random_state=3).fit(images, y),
        CNNClassifier(epochs=2, random_state=3, image_shape=(6, 6)).fit(rows, y),
        CNNClassifier(epochs=2, random_state=3, image_shape=(1, 6, 6)).fit(images.tolist(), y),
    ]
    for fitted in ways:
        assert fitted.image_shape_ == (1, 6, 6)
        assert fitted.n_features_in_ == 36
        for X in (images, rows):
            assert np.array_equal(fitted.predict_proba(X), ways[0].predict_proba(images))


def test_images_of_several_channels_stay_what_they_are():
    rng = np.random.default_rng(0)
    X, y = rng.random((12, 3, 5, 7)), rng.random(12)
    fitted = CNNRegressor(epochs=1).fit(X, y)
    assert fitted.image_shape_ == (3, 5, 7)
    assert fitted.preprocessing_.mean == pytest.approx(X.mean(axis=(0, 2, 3)))
    assert fitted.preprocessing_.std == pytest.approx(X.std(axis=(0, 2, 3)))


X = np.zeros((4, 64))
WRONG = [
    (X, {"image_shape": (1, 8, 9)}, ShapeError, "64 features; image_shape=(1, 8, 9) has 72",
     "use image_shape=(1, 8, 8)"),
    (np.zeros((4, 75)), {"image_shape": (5, 5)}, ShapeError, "75 features",
     "use image_shape=(3, 5, 5)"),
    (np.zeros((4, 10)), {"image_shape": (3, 3)}, ShapeError, "10 features",
     "use image_shape=(1, 1, 10)"),
    (X, {"image_shape": 8}, OptionError, "image_shape=8", "use image_shape=(1, 8, 8)"),
    (X, {"image_shape": (64,)}, OptionError, "image_shape=(64,)", "use image_shape=(1, 8, 8)"),
    (X, {"image_shape": (8.0, 8.0)}, OptionError, "(8.0, 8.0)", "use image_shape=(1, 8, 8)"),
    (X, {"image_shape": (0, 64)}, OptionError, "(0, 64)", "use image_shape=(1, 8, 8)"),
    (np.zeros((4, 8, 8)), {}, ShapeError, "(4, 8, 8)", "X[:, np.newaxis]"),
    (np.zeros((4, 1, 1, 8, 8)), {}, ShapeError, "(4, 1, 1, 8, 8)", "X.reshape(n, C, H, W)"),
    (np.zeros((4, 8, 8, 3)), {"image_shape": (3, 8, 8)}, ShapeError, "(8, 8, 3)",
     "X.transpose(0, 3, 1, 2)"),
    (np.zeros((4, 3, 9, 9)), {"image_shape": (3, 8, 8)}, ShapeError, "(3, 9, 9)",
     "resize the images to H=8, W=8"),
    (np.zeros((4, 1, 8, 8)), {"image_shape": (3, 8, 8)}, ShapeError, "(1, 8, 8)",
     "give images with C=3, H=8, W=8"),
]  # fmt: skip


@pytest.mark.parametrize(("X", "options", "kind", "said", "mend"), WRONG)
@pytest.mark.parametrize("estimator", [CNNClassifier, CNNRegressor])
def test_a_shape_that_does_not_fit_is_a_three_line_error(estimator, X, options, kind, said, mend):
    with pytest.raises(kind) as caught:
        estimator(**options).fit(X, [0, 1, 0, 1])
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(estimator.__name__) and said in lines[0]
    assert mend in lines[2]


def test_images_of_another_shape_are_refused_in_prediction():
    images, y = corners(24)
    fitted = CNNClassifier(epochs=1).fit(images, y)
    with pytest.raises(ShapeError, match="resize the images to H=6, W=6"):
        fitted.predict(np.zeros((2, 1, 4, 9)))
    with pytest.raises(ValueError, match="expecting 36 features"):
        fitted.predict(np.zeros((2, 35)))


def test_what_looks_like_channels_last_is_warned_of_where_fit_is_called():
    X = np.random.default_rng(0).random((6, 8, 9, 3))
    with pytest.warns(UserWarning, match=r"C=8 channels of 9x3.*X\.transpose") as caught:
        CNNRegressor(epochs=1).fit(X, np.arange(6.0))
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CNNRegressor(epochs=1, image_shape=(8, 9, 3)).fit(X, np.arange(6.0))
        CNNRegressor(epochs=1).fit(X.transpose(0, 3, 1, 2), np.arange(6.0))
