"""The training loop: it learns, repeats itself, keeps the best, and says what is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cnnpy
from cnnpy import nn
from cnnpy.contract import CnnpyError, DataError, OptionError, ShapeError
from cnnpy.data import RandomShift
from cnnpy.train import Callback, fit

from .conftest import corners, tiny_cnn


def test_training_learns_what_can_be_learned(train_set, validation_set):
    classifier = fit(tiny_cnn(), train_set, validation_set, epochs=6, batch_size=8)
    assert classifier.evaluate(corners(200, 2)).accuracy > 0.95
    losses = [report.train_loss for report in classifier.history]
    assert losses[-1] < losses[0] / 2
    assert [report.epoch for report in classifier.history] == [1, 2, 3, 4, 5, 6]


def states(seed, **options):
    classifier = fit(tiny_cnn(), corners(96, 0), corners(40, 1), epochs=2, seed=seed, **options)
    return classifier.model.state_dict()


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first, same, other = states(1), states(1), states(2)
    assert all(np.array_equal(a, same[name]) for name, a in first.items())
    assert not np.array_equal(first["0.weight"], other["0.weight"])


def test_augmentation_follows_the_seed_too():
    first, same = (states(1, augment=RandomShift(1)) for _ in range(2))
    assert all(np.array_equal(a, same[name]) for name, a in first.items())
    assert not np.array_equal(first["0.weight"], states(1)["0.weight"])


@pytest.mark.parametrize("optimizer", cnnpy.optim.OPTIMIZERS)
@pytest.mark.parametrize("schedule", cnnpy.optim.SCHEDULES)
def test_every_optimizer_learns_with_every_schedule(optimizer, schedule, train_set):
    classifier = fit(
        tiny_cnn(), train_set, epochs=3, batch_size=16, optimizer=optimizer, schedule=schedule
    )
    assert classifier.history[-1].train_loss < classifier.history[0].train_loss


def test_the_hinge_loss_learns_too(train_set, validation_set):
    classifier = fit(tiny_cnn(), train_set, validation_set, epochs=6, batch_size=8, loss="hinge")
    assert classifier.history[-1].validation_accuracy > 0.9


class Worsening(nn.Layer):
    """Returns right scores in the first evaluation, wrong ones after: epoch 1 is the best."""

    def __init__(self) -> None:
        self.weight = nn.Parameter(np.zeros((1, 4), dtype=np.float32))
        self.epoch = 0

    def forward(self, x, *, train=False):
        out = np.zeros((len(x), 4), dtype=x.dtype) + self.weight.value
        return out, None

    def backward(self, dout, cache):
        self.weight.accumulate(np.ones_like(self.weight.value))
        return dout


def test_the_weights_of_the_best_epoch_are_kept(train_set, validation_set):
    seen = []

    class Follow(Callback):
        def on_epoch(self, report, classifier):
            seen.append((report.best, classifier.model.state_dict()["weight"].copy()))

    model = Worsening()
    fit(model, train_set, validation_set, epochs=3, optimizer="sgd", callbacks=[Follow()])
    # the same gradient everywhere moves no score past another: all epochs tie in accuracy and
    # loss, and the first of equals is the best
    assert [best for best, _ in seen] == [True, False, False]
    assert np.array_equal(model.weight.value, seen[0][1])
    assert not np.array_equal(seen[0][1], seen[2][1])


def test_without_a_validation_set_the_last_epoch_is_kept(train_set):
    classifier = fit(tiny_cnn(), train_set, epochs=2)
    assert math.isnan(classifier.history[0].validation_accuracy)
    assert all(report.best for report in classifier.history)


def test_callbacks_hear_of_everything_in_order(train_set):
    heard = []

    class Follow(Callback):
        def on_start(self, plan):
            heard.append(("start", plan.n_epochs, plan.n_steps_per_epoch, plan.n_images))

        def on_step(self, report):
            heard.append(("step", report.epoch, report.step, report.n_images))

        def on_epoch(self, report, classifier):
            heard.append(("epoch", report.epoch))

        def on_end(self, classifier):
            heard.append(("end",))

    fit(tiny_cnn(), train_set, epochs=2, batch_size=48, callbacks=[Follow()])
    assert heard == [
        ("start", 2, 2, 96),
        ("step", 1, 1, 48),
        ("step", 1, 2, 96),
        ("epoch", 1),
        ("step", 2, 1, 48),
        ("step", 2, 2, 96),
        ("epoch", 2),
        ("end",),
    ]


def test_images_and_labels_are_left_as_they_are(train_set):
    images, labels = train_set.images.copy(), train_set.labels.copy()
    fit(tiny_cnn(), train_set, epochs=1, augment=RandomShift(2))
    assert np.array_equal(train_set.images, images)
    assert np.array_equal(train_set.labels, labels)


def test_evaluation_counts_each_image_once_in_the_confusion_matrix(train_set):
    classifier = fit(tiny_cnn(), train_set, epochs=1)
    test = corners(37, 5)
    result = classifier.evaluate(test, batch_size=10)
    predicted = classifier.predict(test.images)
    assert result.confusion.sum() == 37
    assert result.accuracy == pytest.approx((predicted == test.labels).mean())
    for k in range(4):
        for p in range(4):
            assert result.confusion[k, p] == ((test.labels == k) & (predicted == p)).sum()
    p = classifier.predict_proba(test.images)[np.arange(37), test.labels]
    assert result.loss == pytest.approx(float(-np.log(p).mean()), rel=1e-5)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"epochs": 0}, OptionError, "epochs=0"),
        ({"batch_size": 0}, OptionError, "batch_size=0"),
        ({"lr": -0.1}, OptionError, "lr=-0.1"),
        ({"optimizer": "adamm"}, OptionError, "use optimizer='adam'"),
        ({"schedule": "cosinus"}, OptionError, "use schedule='cosine'"),
        ({"loss": "cross_entropy"}, OptionError, "use loss='softmax_cross_entropy'"),
        ({"warmup_epochs": 9}, OptionError, "use warmup_epochs=1"),
        ({"seed": -1}, OptionError, "seed=-1"),
        ({"epoch": 2}, OptionError, "use 'epochs'"),
        ({"class_weights": (1.0, 2.0)}, OptionError, "there are 4 classes"),
        ({"class_weights": "even"}, OptionError, 'class_weights="balanced"'),
        ({"label_smoothing": 0.1, "loss": "hinge"}, OptionError, "leave label_smoothing out"),
        ({"swa_epochs": 3}, OptionError, "swa_epochs=3 of epochs=2"),
        ({"swa_epochs": 1, "ema_decay": 0.9}, OptionError, "leave one of them out"),
        ({"resume": True}, OptionError, "checkpoints=Checkpoints("),
        ({"swa_lr": 0.1}, OptionError, "use swa_epochs=1"),
        ({"swa_epochs": 1, "patience": 2}, OptionError, "leave one of them out"),
        ({"patience": 2}, OptionError, "hold some images out"),
        ({"loss": "mean_squared_error"}, OptionError, "'softmax_cross_entropy', 'hinge'"),
        ({"lr": True}, OptionError, "lr=True"),
        ({"lr": 10**400}, OptionError, "lr=1000"),
        ({"epochs": 10**20}, OptionError, "use epochs=1000000000"),
        ({"class_weights": np.zeros(4)}, OptionError, "not all of them 0"),
        (
            {"validation": corners(8, 0, ("a", "b", "c", "x"))},
            DataError,
            "the same classes in the same order",
        ),
        ({"train": corners(96, 0).subset([])}, DataError, "no images to learn from"),
        ({"model": nn.Sequential(nn.Flatten(), nn.Linear(3))}, ShapeError, "Linear(4)"),
    ],
)
def test_wrong_input_is_a_three_line_error(options, kind, text):
    given = {"model": tiny_cnn(), "train": corners(96, 0), "epochs": 2} | options
    with pytest.raises(kind) as caught:
        fit(given.pop("model"), given.pop("train"), given.pop("validation", None), **given)
    assert isinstance(caught.value, CnnpyError)
    assert text in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


def test_other_classes_are_refused_in_evaluation(train_set):
    classifier = fit(tiny_cnn(), train_set, epochs=1)
    with pytest.raises(DataError, match="the same classes in the same order"):
        classifier.evaluate(corners(8, 0, ("a", "b", "c", "x")))
    with pytest.raises(CnnpyError):
        classifier.predict(np.zeros((2, 1, 9, 9), dtype=np.uint8))
