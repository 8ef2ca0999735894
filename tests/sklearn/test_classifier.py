"""CNNClassifier: classes of any kind, probabilities, seeds, networks, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

import cnnpy
from cnnpy import nn
from cnnpy.contract import CnnpyError, DataError, OptionError, ShapeError
from cnnpy.data import RandomShift
from cnnpy.sklearn import CNNClassifier
from cnnpy.train import load

from .conftest import CORNERS, corners


def tiny(n_outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(8, 3, padding=1), nn.ReLU(), nn.Dropout(0.1), nn.Flatten(), nn.Linear(n_outputs)
    )


@pytest.fixture(scope="module")
def fitted():
    return CNNClassifier(tiny, random_state=0).fit(*corners(120))


def test_it_learns_which_corner_is_bright(fitted):
    images, y = corners(80, seed=1)
    assert fitted.score(images, y) > 0.95
    assert fitted.predict(images[:4]).tolist() == CORNERS.tolist()
    assert fitted.classes_.tolist() == CORNERS.tolist()
    assert fitted.n_iter_ == len(fitted.history_) == 20


def test_probabilities_are_the_softmax_of_the_networks_scores(fitted):
    images, y = corners(12, seed=1)
    scores = fitted.classifier_.scores(images).astype(np.float64)
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    found = fitted.predict_proba(images)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(images)), expected, rtol=1e-4)
    right = expected[np.arange(12), np.searchsorted(CORNERS, y)]
    assert log_loss(y, found) == pytest.approx(-np.log(right).mean(), rel=1e-4)


def test_logarithms_stay_finite_where_probabilities_vanish(fitted):
    images = 1e7 * corners(4)[0].astype(np.float64)
    assert (fitted.predict_proba(images) == 0).any()
    assert np.isfinite(fitted.predict_log_proba(images)).all()


@pytest.mark.parametrize("shape", [(1, 1, 20), (1, 20, 1), (2, 3, 9), (1, 8, 8)])
def test_what_is_predicted_of_an_image_has_the_same_bits_whatever_stands_beside_it(shape):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, *shape))
    classifier = CNNClassifier(epochs=1, random_state=0).fit(X, np.arange(50) % 3)
    whole = classifier.predict_proba(X)
    order = rng.permutation(50)
    assert np.array_equal(classifier.predict_proba(X[order]), whole[order])
    assert np.array_equal(classifier.predict_proba(X[7:8]), whole[7:8])


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([3, -1, 7, 3], ("-1", "3", "7")),
        ([False, True, True, False], ("False", "True")),
        ([0.0, 2.0, 2.0, 1.0], ("0.0", "1.0", "2.0")),
        (["b", "a", "ß", "b"], ("a", "b", "ß")),
        (np.array(["b", "a", "b", "a"], dtype=object), ("a", "b")),
        (["", "a\n", "a", ""], ("0", "1", "2")),
    ],
)
def test_classes_come_back_as_they_were_given(labels, names):
    X = np.eye(4).repeat(6, axis=0)
    y = np.asarray(labels).repeat(6)
    classifier = CNNClassifier(epochs=40, random_state=0).fit(X, y)
    found = classifier.predict(X)
    assert found.dtype == y.dtype
    assert found.tolist() == y.tolist()
    assert classifier.classifier_.class_names == names


def test_the_same_seed_gives_the_same_bits_and_another_gives_others():
    images, y = corners(40)
    first, again, other = (
        CNNClassifier(epochs=2, augment=RandomShift(1), validation_fraction=0.2, random_state=seed)
        .fit(images, y)
        .predict_proba(images)
        for seed in (5, 5, 6)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_random_state_goes_on_and_none_takes_numpys():
    images, y = corners(24)
    chance = np.random.RandomState(0)
    one, two = (CNNClassifier(tiny, epochs=1, random_state=chance).fit(images, y) for _ in range(2))
    assert not np.array_equal(one.predict_proba(images), two.predict_proba(images))
    global_state = np.random.get_state()
    try:
        np.random.seed(0)
        three = CNNClassifier(tiny, epochs=1).fit(images, y)
    finally:
        np.random.set_state(global_state)
    assert np.array_equal(one.predict_proba(images), three.predict_proba(images))


def test_training_ends_at_the_same_bits_on_any_number_of_threads():
    pytest.importorskip("cnnpy.backends.native._native")
    images, y = corners(40)
    before = cnnpy.num_threads()
    found = []
    try:
        for n_threads in (1, 2, 3):
            cnnpy.set_num_threads(n_threads)
            fitted = CNNClassifier(epochs=2, random_state=0).fit(images, y)
            found.append(fitted.predict_proba(images))
    finally:
        cnnpy.set_num_threads(before)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


# --- networks -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "first", "n_layers"),
    [
        ((1, 1, 9), "Conv2d(32, (1, 3), padding=(0, 1))", 6),
        ((2, 9, 1), "Conv2d(32, (3, 1), padding=(1, 0))", 6),
        ((1, 1, 1), "Conv2d(32, (1, 1), padding=(0, 0))", 6),
        ((1, 3, 9), "Conv2d(32, (3, 3), padding=(1, 1))", 6),
        ((1, 4, 4), "Conv2d(32, 3, padding=1, use_bias=False)", len(cnnpy.models.small_cnn())),
    ],
)
def test_auto_takes_a_network_that_fits_the_images(shape, first, n_layers):
    X = np.random.default_rng(0).random((6, *shape))
    network = CNNClassifier(epochs=1).fit(X, [0, 1, 2, 0, 1, 2]).network_
    assert repr(network[0]) == first
    assert len(network) == n_layers


def test_a_network_is_copied_and_stays_as_it_was():
    images, y = corners(24)
    model = tiny(4)
    classifier = CNNClassifier(model, epochs=1, random_state=0).fit(images, y)
    assert classifier.model is model and not model.built
    made = CNNClassifier(tiny, epochs=1, random_state=0).fit(images, y)
    assert np.array_equal(classifier.predict_proba(images), made.predict_proba(images))


def test_a_network_that_is_built_goes_on_from_what_it_has():
    images, y = corners(24)
    model = tiny(4)
    model.build((1, 6, 6), seed=0)
    before = model.state_dict()
    classifier = CNNClassifier(model, epochs=1, lr=0.0, random_state=1).fit(images, y)
    for name, array in classifier.network_.state_dict().items():
        assert np.array_equal(array, before[name])
    CNNClassifier(model, epochs=1, lr=0.1).fit(images, y)
    for name, array in model.state_dict().items():
        assert np.array_equal(array, before[name])


def test_a_function_that_returns_the_same_network_twice_gives_two():
    images, y = corners(24)
    shared = tiny(4)
    one, two = (CNNClassifier(lambda n: shared, epochs=1).fit(images, y) for _ in range(2))
    assert one.network_ is not two.network_
    assert not shared.built


def test_every_parameter_survives_clone():
    parameters = {
        "model": tiny(4), "image_shape": (6, 6), "epochs": 3, "batch_size": 7, "optimizer": "sgd",
        "lr": 0.1, "weight_decay": 0.01, "schedule": "cosine", "augment": RandomShift(1),
        "validation_fraction": 0.25, "patience": 2, "class_weight": {0: 2.0},
        "random_state": 4, "verbose": 1,
    }  # fmt: skip
    classifier = CNNClassifier(**parameters)
    assert classifier.get_params() == parameters
    copied = clone(classifier)
    for name, value in copied.get_params().items():
        assert repr(value) == repr(parameters[name])


def test_what_it_learned_goes_into_a_model_file(tmp_path, fitted):
    fitted.classifier_.save(tmp_path / "corners.safetensors")
    images, y = corners(20, seed=2)
    read = load(tmp_path / "corners.safetensors")
    assert np.array_equal(read.scores(images), fitted.classifier_.scores(images))
    assert [read.class_names[at] for at in read.predict(images)] == y.tolist()


@pytest.mark.filterwarnings("ignore::cnnpy.train.TrainingWarning")  # images without a class
@pytest.mark.parametrize(("images", "white"), [
    (np.array([0, 200], dtype=np.uint8), 255.0), (np.array([0.0, 16.0]), 16.0),
    (np.array([0.0, 1.0], dtype=np.float32), 1.0), (np.array([-2.0, -1.0]), 255.0),
])  # fmt: skip
def test_full_brightness_is_255_for_bytes_and_the_brightest_pixel_of_floats(images, white):
    X = np.tile(images, (8, 3))
    fitted = CNNClassifier(epochs=1).fit(X, [0, 1] * 4)
    assert fitted.preprocessing_.white == white


# --- training -----------------------------------------------------------------------------


def test_the_best_epoch_on_what_is_held_out_is_kept():
    images, y = corners(80)
    classifier = CNNClassifier(
        tiny, epochs=4, optimizer="sgd", lr=0.5, validation_fraction=0.25, random_state=0
    ).fit(images, y)
    accuracies = [report.validation_accuracy for report in classifier.history_]
    assert np.isfinite(accuracies).all()
    best = max(report.epoch for report in classifier.history_ if report.best)
    assert accuracies[best - 1] == max(accuracies)


def test_with_patience_training_stops_so_many_epochs_after_the_best():
    images, y = corners(80)
    classifier = CNNClassifier(
        tiny, epochs=60, lr=0.01, schedule="constant", validation_fraction=0.25, patience=3,
        random_state=0,
    ).fit(images, y)  # fmt: skip
    best = max(report.epoch for report in classifier.history_ if report.best)
    assert classifier.n_iter_ == best + 3 < 60


def test_weights_of_classes_are_those_that_scikit_learn_computes():
    images, y = corners(90)
    kept = np.flatnonzero((y == y[0]) | (np.arange(90) % 3 == 0))  # one class has most images
    images, y = images[kept], y[kept]
    weights = compute_class_weight("balanced", classes=np.unique(y), y=y)
    options = {"epochs": 2, "random_state": 0}
    balanced, by_hand, plain = (
        CNNClassifier(tiny, class_weight=asked, **options).fit(images, y).predict_proba(images)
        for asked in ("balanced", dict(zip(np.unique(y).tolist(), weights, strict=True)), None)
    )
    assert np.allclose(balanced, by_hand, rtol=1e-4, atol=1e-6)
    assert not np.allclose(balanced, plain, atol=1e-3)


def test_a_class_of_which_nothing_is_said_counts_once():
    images, y = corners(40)
    first = np.unique(y).tolist()[0]
    options = {"epochs": 1, "random_state": 0}
    some = CNNClassifier(tiny, class_weight={first: 3.0}, **options).fit(images, y)
    every = dict.fromkeys(np.unique(y).tolist(), 1.0) | {first: 3.0}
    all_of_them = CNNClassifier(tiny, class_weight=every, **options).fit(images, y)
    assert np.array_equal(some.predict_proba(images), all_of_them.predict_proba(images))


def test_verbose_prints_a_line_an_epoch(capsys):
    images, y = corners(40)
    CNNClassifier(tiny, epochs=2, validation_fraction=0.2, random_state=0).fit(images, y)
    assert capsys.readouterr().out == ""
    classifier = CNNClassifier(tiny, epochs=2, random_state=0, verbose=1).fit(images, y)
    first = classifier.history_[0]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        f"epoch 1/2: loss {first.train_loss:.4f}, accuracy {first.train_accuracy:.4f}"
    )
    assert len(lines) == 2 and lines[1].startswith("epoch 2/2: ")
    last = classifier.set_params(validation_fraction=0.2).fit(images, y).history_[-1]
    assert (
        capsys.readouterr()
        .out.splitlines()[1]
        .endswith(
            f", validation loss {last.validation_loss:.4f}, "
            f"validation accuracy {last.validation_accuracy:.4f}"
        )
    )


@pytest.mark.parametrize(
    ("options", "kind", "mend"),
    [
        ({"model": "smal_cnn"}, OptionError, "use 'small_cnn'"),
        ({"model": 3}, OptionError, "use model=cnnpy.models.small_cnn"),
        ({"model": lambda n: "lenet5"}, OptionError, "use model=cnnpy.models.small_cnn"),
        ({"model": tiny(3)}, ShapeError, "end the network with Linear(4)"),
        ({"epochs": 0}, OptionError, "use epochs=1"),
        ({"batch_size": 0}, OptionError, "use batch_size=1"),
        ({"optimizer": "adamm"}, OptionError, "use optimizer='adam'"),
        ({"schedule": "cosinus"}, OptionError, "use schedule='cosine'"),
        ({"validation_fraction": 1.0}, OptionError, "validation_fraction"),
        ({"augment": 3}, OptionError, "RandomShift"),
        ({"patience": 3}, OptionError, "use validation_fraction=0.1"),
        ({"patience": 0, "validation_fraction": 0.2}, OptionError, "use patience=1"),
        ({"class_weight": "equal"}, OptionError, 'use class_weight="balanced"'),
        ({"class_weight": {"nowhere": 2}}, OptionError, "leave 'nowhere' out"),
    ],
)
def test_a_wrong_parameter_is_a_three_line_error(options, kind, mend):
    with pytest.raises(kind) as caught:
        CNNClassifier(**options).fit(*corners(24))
    assert isinstance(caught.value, CnnpyError)
    assert len(str(caught.value).splitlines()) == 3
    assert mend in str(caught.value)


def test_one_class_is_nothing_to_learn():
    images, _ = corners(8)
    with pytest.raises(DataError, match="y has one class only, 'cat'") as caught:
        CNNClassifier().fit(images, ["cat"] * 8)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("end", [(), (nn.Softmax(),), (nn.LogSoftmax(),)])
def test_probabilities_are_those_of_the_network_whatever_it_ends_with(end):
    images, y = corners(20, seed=2)
    model = nn.Sequential(nn.Flatten(), nn.Linear(len(np.unique(y))), *end)
    fitted = CNNClassifier(model, epochs=1, random_state=0).fit(images, y)
    p = fitted.predict_proba(images)
    np.testing.assert_allclose(p, fitted.classifier_.predict_proba(images), rtol=1e-5)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(images)), p, rtol=1e-6)
