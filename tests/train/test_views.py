"""Test-time augmentation: the probabilities are the mean over views, whichever way one asks."""

from __future__ import annotations

import numpy as np
import pytest

from cnnpy import nn
from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.data import VIEWS, Preprocessing
from cnnpy.train import Classifier, fit

from .conftest import corners, tiny_cnn


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return fit(tiny_cnn(), corners(96, 0), epochs=1, batch_size=16)


IMAGES = corners(50, 3).images


def moved(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Shift images pixel by pixel; the border's own pixels move in."""
    H, W = images.shape[2:]
    out = np.empty_like(images)
    for i in range(H):
        for j in range(W):
            out[:, :, i, j] = images[
                :, :, min(max(i - down, 0), H - 1), min(max(j - right, 0), W - 1)
            ]
    return out


STEPS = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
MEANT = {
    "flip": [IMAGES, IMAGES[..., ::-1]],
    "shift": [moved(IMAGES, *step) for step in STEPS],
    "flip+shift": [
        moved(IMAGES, *step)[..., ::direction] for step in STEPS for direction in (1, -1)
    ],
}


@pytest.mark.parametrize("name", VIEWS)
def test_probabilities_are_the_mean_over_the_views(classifier, name):
    got = classifier.predict_proba(IMAGES, views=name)
    want = np.mean([classifier.predict_proba(view) for view in MEANT[name]], axis=0)
    assert got.dtype == np.float32
    assert np.allclose(got, want, atol=1e-6)
    assert np.allclose(got.sum(axis=1), 1, atol=1e-6)
    assert np.array_equal(classifier.predict(IMAGES, views=name), got.argmax(axis=1))
    assert not np.allclose(got, classifier.predict_proba(IMAGES))


def test_every_name_has_its_views():
    assert {name: len(views) for name, views in VIEWS.items()} == {
        name: len(views) for name, views in MEANT.items()
    }


def test_views_may_be_functions_of_one_s_own(classifier):
    upside_down = [lambda images: images[:, :, ::-1], lambda images: 255 - images]
    got = classifier.predict_proba(IMAGES, views=upside_down)
    want = [classifier.predict_proba(x) for x in (IMAGES[:, :, ::-1], 255 - IMAGES)]
    assert np.allclose(got, np.mean(want, axis=0), atol=1e-6)
    one = classifier.predict_proba(IMAGES, views=[lambda images: images])
    assert np.array_equal(one, classifier.predict_proba(IMAGES))


def test_the_size_of_a_batch_and_white_are_as_without_views(classifier):
    whole = classifier.predict_proba(IMAGES, views="flip")
    parts = classifier.predict_proba(IMAGES, views="flip", batch_size=7)
    assert np.allclose(whole, parts, atol=1e-6)
    floats = IMAGES / 255.0
    assert np.allclose(
        classifier.predict_proba(floats, white=1.0, views="shift"),
        classifier.predict_proba(IMAGES, views="shift"),
        atol=1e-5,
    )
    assert classifier.predict_proba(IMAGES[:0], views="flip").shape == (0, 4)


def test_evaluation_is_that_of_the_mean_probabilities(classifier):
    data = corners(60, 5)
    result = classifier.evaluate(data, views="flip+shift", batch_size=16)
    p = classifier.predict_proba(data.images, views="flip+shift")
    assert result.accuracy == (p.argmax(axis=1) == data.labels).mean()
    assert result.loss == pytest.approx(-np.log(p[np.arange(60), data.labels]).mean(), rel=1e-5)
    assert result.confusion.sum() == 60


class Certain(nn.Layer):
    """Gives scores so far apart that the other probabilities are 0."""

    def forward(self, x, *, train=False):
        scores = np.full((len(x), 4), -1e4, dtype=x.dtype)
        scores[:, 0] = 1e4
        return scores, None


def test_a_probability_of_zero_leaves_the_loss_finite():
    data = corners(8, 0)
    certain = Classifier(Certain(), Preprocessing.fit(data), data.class_names)
    result = certain.evaluate(data, views="flip")
    assert 50 < result.loss < 100  # of 3 in 4 images, -log of the smallest number
    assert result.accuracy == 0.25


def test_views_decide_right_where_one_view_is_wrong():
    """A network that sees the left half alone knows of both with the mirror image."""

    class LeftHalf(nn.Layer):
        def forward(self, x, *, train=False):
            left, total = x[..., :4].mean(axis=(1, 2, 3)), np.zeros(len(x), x.dtype)
            return np.stack([left, total, total, total], axis=1), None

    images = np.zeros((2, 1, 8, 8), dtype=np.uint8)
    images[1, ..., 4:] = 255
    sees = Classifier(LeftHalf(), Preprocessing((1, 8, 8), (60.0,), (30.0,)), tuple("abcd"))
    assert sees.predict(images).tolist() == [1, 1]
    assert sees.predict(images, views="flip").tolist() == [1, 0]


@pytest.mark.parametrize(
    ("views", "words"),
    [
        ("flop", ["predict: views='flop'", "use views='flip'"]),
        ([], ["views=[]", "at least one function"]),
        ([3], ["views=[3]"]),
        (7, ["views=7", "'flip', 'shift', 'flip+shift'"]),
    ],
)
def test_what_are_no_views_is_told(classifier, views, words):
    for ask in (classifier.predict, classifier.predict_proba):
        with pytest.raises(OptionError) as caught:
            ask(IMAGES, views=views)
        assert all(word in str(caught.value) for word in words)
    with pytest.raises(OptionError):
        classifier.evaluate(corners(8, 0), views=views)


@pytest.mark.parametrize("view", [lambda images: images[:, :, 1:], lambda images: None])
def test_a_view_of_another_shape_is_told(classifier, view):
    with pytest.raises(ShapeError, match="a view returned"):
        classifier.predict(IMAGES, views=[view])
