"""Metrics against scikit-learn and sheets of paper; mistakes, components and profiles."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnpy import insight, models, nn
from cnnpy.contract.errors import DataError, MissingPackageError, OptionError, ShapeError
from cnnpy.data import Dataset, Preprocessing
from cnnpy.insight import Predictions
from cnnpy.train import Classifier


@st.composite
def outcomes(draw):
    """Draw labels and probabilities, with ties, and classes that nobody has."""
    N, K = draw(st.integers(1, 30)), draw(st.integers(2, 7))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    return rng.integers(0, K, N), rng.integers(1, 6, (N, K)) / 5.0


@given(outcomes())
def test_metrics_are_those_of_scikit_learn(outcome):
    sklearn = pytest.importorskip("sklearn.metrics")
    labels, said = outcome
    K = said.shape[1]
    found = insight.metrics(labels, said, [f"class {k}" for k in range(K)], k=(1, 2, 5))
    predicted = said.argmax(axis=1)
    assert found.accuracy == pytest.approx(sklearn.accuracy_score(labels, predicted))
    assert (found.confusion == sklearn.confusion_matrix(labels, predicted, labels=range(K))).all()
    precision, recall, _, support = sklearn.precision_recall_fscore_support(
        labels, predicted, labels=range(K), zero_division=np.nan
    )
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    assert (found.support == support).all()
    there = (np.bincount(labels, minlength=K) + np.bincount(predicted, minlength=K)) > 0
    f1 = sklearn.f1_score(labels, predicted, labels=range(K), average=None, zero_division=0)
    np.testing.assert_allclose(found.f1, np.where(there, f1, np.nan))
    assert found.top_k[1] == pytest.approx(found.accuracy)
    assert list(found.top_k) == [1, *(k for k in (2, 5) if k < K)]


@given(outcomes())
def test_roc_auc_is_the_share_of_pairs_in_the_right_order(outcome):
    pytest.importorskip("sklearn")
    labels, said = outcome
    for c, area in enumerate(insight.roc_auc(labels, said)):
        of_class, of_others = said[labels == c, c], said[labels != c, c]
        pairs = np.subtract.outer(of_class, of_others)
        if not pairs.size:
            assert np.isnan(area)
        else:
            assert area == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())


def test_top_k_counts_the_images_whose_class_is_among_the_likeliest():
    said = np.array([[0.4, 0.3, 0.2, 0.1]] * 4)
    found = insight.metrics(np.array([0, 1, 2, 3]), said, "abcd", k=(1, 2, 3, 4))
    assert found.top_k == {1: 0.25, 2: 0.5, 3: 0.75}


def test_a_macro_average_leaves_out_classes_without_a_figure():
    said = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.9, 0.1, 0.0]])
    found = insight.metrics(np.array([0, 0, 1]), said, ("a", "b", "never"))
    assert np.isnan(found.recall[2])
    assert found.macro("recall") == pytest.approx((0.5 + 0.0) / 2)
    assert found.macro("precision") == pytest.approx((0.5 + 0.0) / 2)


def test_no_images_have_no_figures():
    found = insight.metrics(np.zeros(0, dtype=int), np.zeros((0, 3)), "abc")
    assert np.isnan([found.accuracy, found.macro("f1"), found.top_k[1]]).all()


def test_without_scikit_learn_the_other_figures_are_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'cnnpy\[sklearn\]'"):
        insight.roc_auc(np.array([0, 1]), np.eye(2))
    monkeypatch.setattr(sys.modules["cnnpy.insight.metrics"], "find_spec", lambda name: None)
    found = insight.metrics(np.array([0, 1]), np.eye(2), "ab")
    assert found.accuracy == 1.0
    assert np.isnan(found.roc_auc).all()


def test_what_cannot_be_measured_is_told():
    with pytest.raises(ShapeError, match=r"\(N, 3\)"):
        insight.metrics(np.array([0]), np.zeros((1, 2)), "abc")
    with pytest.raises(ShapeError, match="there are 2 images"):
        insight.metrics(np.array([0]), np.zeros((2, 3)), "abc")
    with pytest.raises(DataError, match=r"labels\[1\] is 3.*\n.*\n.*use labels - 1"):
        insight.metrics(np.array([1, 3]), np.zeros((2, 3)), "abc")
    with pytest.raises(DataError, match=r"probabilities\[1\] holds NaN"):
        insight.metrics(np.array([0, 1]), np.array([[1, 0], [np.nan, 0]]), "ab")


# --- predictions and mistakes ------------------------------------------------------------


def classifier(*end: nn.Layer) -> Classifier:
    """Give images of one pixel the scores (x, 0)."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(2), *end)
    model.build((1, 1, 1), seed=0)
    model[1].weight.value[...] = [[1.0], [0.0]]
    model[1].bias.value[...] = 0
    return Classifier(model, Preprocessing((1, 1, 1), (0.0,), (1.0,)), ("high", "low"))


def pixels(values, labels) -> Dataset:
    images = np.array(values, dtype=np.float32).reshape(-1, 1, 1, 1)
    return Dataset(images, np.array(labels), ("high", "low"))


@pytest.mark.parametrize("end", [[], [nn.Softmax()], [nn.LogSoftmax()]])
def test_predictions_are_probabilities_whatever_the_network_ends_with(end):
    data = pixels([2.0, -1.0, 0.5], [0, 0, 1])
    said = insight.predictions(classifier(*end), data, batch_size=2)
    high = 1 / (1 + np.exp(-np.array([2.0, -1.0, 0.5])))
    np.testing.assert_allclose(said.probabilities[:, 0], high, rtol=1e-5)
    np.testing.assert_allclose(said.losses, -np.log([high[0], high[1], 1 - high[2]]), rtol=1e-5)
    assert said.confusion.tolist() == [[1, 1], [1, 0]]
    assert said.confusion.tolist() == classifier(*end).evaluate(data).confusion.tolist()


def test_predictions_of_views_are_the_mean_of_their_probabilities():
    data = pixels([2.0, -1.0], [0, 1])
    views = (lambda images: images, lambda images: -images)
    said = insight.predictions(classifier(), data, views=views)
    np.testing.assert_allclose(said.probabilities, 0.5, rtol=1e-6)  # σ(x) and σ(-x)


def test_the_worst_mistakes_are_those_of_the_highest_loss():
    data = pixels([3.0, -900.0, 0.5, -800.0, 2.0], [1, 0, 1, 0, 0])
    found = insight.mistakes(insight.predictions(classifier(), data), 3)
    assert [(m.index, m.label, m.predicted) for m in found] == [(1, 0, 1), (3, 0, 1), (0, 1, 0)]
    assert [m.loss for m in found] == pytest.approx([900.0, 800.0, np.log1p(np.exp(3.0))])
    assert found[2].probability == pytest.approx(1 / (1 + np.exp(-3.0)))
    assert found[2].probability + found[2].probability_of_label == pytest.approx(1.0)


def test_a_classifier_that_is_right_made_no_mistakes():
    said = Predictions(np.array([0, 1]), np.log(np.array([[0.9, 0.1], [0.1, 0.9]])), ("a", "b"))
    assert insight.mistakes(said) == []


def test_confusions_are_the_most_frequent_pairs_with_the_worst_of_each():
    # of class 0 three images are taken for 2, the second of them most wrongly
    truth = np.array([0, 0, 1, 0, 2, 1])
    p = np.array(
        [[.3, .1, .6], [.1, .1, .8], [.2, .7, .1], [.4, .1, .5], [.2, .5, .3], [.6, .4, 0]]
    )  # fmt: skip
    said = Predictions(truth, np.log(p + 1e-12), ("a", "b", "c"))
    found = [(c.label, c.predicted, c.n_images, c.example) for c in insight.confusions(said)]
    assert found == [(0, 2, 3, 1), (1, 0, 1, 5), (2, 1, 1, 4)]
    assert insight.confusions(said, 1)[0].n_images == 3


def test_data_of_other_classes_are_told():
    data = Dataset(np.zeros((1, 1, 1, 1), dtype=np.float32), np.array([0]), ("x", "y"))
    with pytest.raises(DataError, match="those of the classifier: high, low"):
        insight.predictions(classifier(), data)


# --- principal components ----------------------------------------------------------------


def test_components_are_those_of_the_singular_value_decomposition():
    pytest.importorskip("sklearn")
    rows = np.random.default_rng(0).standard_normal((20, 5)) * [5, 3, 1, 1, 1]
    points, shares = insight.principal_components(rows)
    u, s, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(points), np.abs(u[:, :2] * s[:2]), rtol=1e-10)
    np.testing.assert_allclose(shares, (s**2 / (s**2).sum())[:2], rtol=1e-10)
    at = np.abs(points).argmax(axis=0)
    assert (points[at, [0, 1]] > 0).all()


def test_few_points_have_fewer_components_and_equal_ones_none():
    pytest.importorskip("sklearn")
    assert insight.principal_components(np.eye(2)[:, :1]).points.shape == (2, 1)
    same = insight.principal_components(np.ones((4, 3)))
    assert not same.points.any()
    assert not same.shares.any()
    with pytest.raises(ShapeError, match="at least two points"):
        insight.principal_components(np.ones((1, 3)))
    with pytest.raises(ShapeError, match=r"use features.reshape\(4, -1\)"):
        insight.principal_components(np.ones((4, 3, 2)))


def test_without_scikit_learn_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'cnnpy\[sklearn\]'"):
        insight.principal_components(np.eye(3))


# --- profile -----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "shape"), [("small_cnn", (1, 8, 8)), ("resnet20", (3, 8, 8))])
def test_a_profile_has_the_layers_and_figures_of_the_summary(name, shape):
    model = models.make_model(name, 10)
    model.build(shape, seed=0)
    before = model.state_dict()
    found = insight.profile(model, np.ones((2, *shape), dtype=np.float32), repeats=1)
    summary = model.summary()
    assert found.flops == 2 * summary.flops
    assert found.activation_bytes == 2 * summary.activation_bytes
    leaves = {row.name: row for row in summary.rows if row.layer}
    rows = {row.name: row for row in found.rows}
    assert leaves.keys() <= rows.keys()
    for key, row in leaves.items():
        assert rows[key].output_shape == row.output_shape
        assert rows[key].flops == 2 * row.flops
    assert all((before[key] == value).all() for key, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_the_times_of_a_profile_are_those_that_the_layers_took(monkeypatch):
    """With a clock that a layer's pass moves on by itself, the rows are exact."""
    now = [0.0]

    class Slow(nn.Layer):
        def __init__(self, forward_s, backward_s):
            self.forward_s, self.backward_s = forward_s, backward_s

        def forward(self, x, *, train=False):
            now[0] += self.forward_s
            return x, None

        def backward(self, dout, cache):
            now[0] += self.backward_s
            return dout

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    scale = nn.BatchNorm()  # something that learns, so that backward goes down to it
    model = nn.Sequential(
        {"norm": scale, "a": Slow(1, 2), "r": nn.Residual(nn.Sequential(Slow(3, 5)), Slow(7, 11))}
    )
    found = insight.profile(model, np.ones((2, 3), dtype=np.float32), repeats=3)
    times = {row.name: (row.forward_ms, row.backward_ms) for row in found.rows}
    assert times == {
        "norm": (0, 0), "a": (1e3, 2e3), "r.body.0": (3e3, 5e3), "r.shortcut": (7e3, 11e3),
        "r": (0, 0),
    }  # fmt: skip
    assert found.sum_ms == found.step_ms == 29e3
    assert (found.forward_ms, found.backward_ms, found.inference_ms) == (11e3, 18e3, 11e3)
    assert [row.share for row in found.rows] == pytest.approx([0, 3 / 29, 8 / 29, 18 / 29, 0])


def test_a_profile_of_nothing_is_told():
    model = models.small_cnn()
    with pytest.raises(ShapeError, match="empty"):
        insight.profile(model, np.zeros((0, 1, 8, 8), dtype=np.float32))
    with pytest.raises(OptionError, match="repeats=0"):
        insight.profile(model, np.zeros((1, 1, 8, 8), dtype=np.float32), repeats=0)
