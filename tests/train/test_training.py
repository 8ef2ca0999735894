"""How a network is trained: losses, averages, clipping, accumulation, and what goes astray."""

from __future__ import annotations

import contextlib
import json
import math
import threading
from dataclasses import replace

import numpy as np
import pytest

from cnnpy import nn
from cnnpy.contract import OptionError, TrainingError
from cnnpy.data import Dataset
from cnnpy.train import Callback, RunFolder, Training, TrainingWarning, fit, load
from cnnpy.train.astray import where_it_began
from cnnpy.train.averages import AverageWeights, in_place_of, measure_statistics
from cnnpy.train.objective import Objective
from cnnpy.train.run_settings import RunSettings
from cnnpy.train.stepper import make_optimizer

from .conftest import corners, tiny_cnn

RNG = np.random.default_rng(5)


def linear() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(4))


# --- what a batch is held against ---------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, (0.5, 1.0, 3.0, 0.0)])
def test_the_loss_and_its_gradient_are_pytorch_s(smoothing, weights, torch):
    scores, labels = RNG.standard_normal((6, 4)), np.array([0, 1, 2, 3, 2, 2])
    objective = Objective(Training(label_smoothing=smoothing, class_weights=weights), corners(8, 0))
    loss, dscores = objective.measure(scores, labels)
    tensor = torch.tensor(scores, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(
        tensor,
        torch.tensor(labels),
        weight=None if weights is None else torch.tensor(weights, dtype=torch.float64),
        label_smoothing=smoothing,
    )
    theirs.backward()
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    np.testing.assert_allclose(dscores, tensor.grad.numpy(), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_of_mixed_classes_is_pytorch_s(smoothing, torch):
    scores, wanted = RNG.standard_normal((5, 4)), RNG.dirichlet(np.ones(4), 5)
    loss, dscores = Objective(Training(label_smoothing=smoothing), corners(8, 0)).measure(
        scores, wanted
    )
    tensor = torch.tensor(scores, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(
        tensor, torch.tensor(wanted), label_smoothing=smoothing
    )
    theirs.backward()
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    np.testing.assert_allclose(dscores, tensor.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_balanced_weights_let_each_class_count_alike():
    labels = np.array([0] * 6 + [1] * 2 + [2])
    images = np.zeros((9, 1, 2, 2), dtype=np.uint8)
    objective = Objective(
        Training(class_weights="balanced"), Dataset(images, labels, tuple("abcd"))
    )
    _, dscores = objective.measure(np.zeros((9, 4)), labels)
    # where all scores are 0, an image pulls its own class by 3/4 of its weight
    pull = -np.array([dscores[labels == k, k].sum() for k in range(3)])
    np.testing.assert_allclose(pull, 0.25, rtol=1e-12)  # 3/4 of a third


# --- a step ---------------------------------------------------------------------------------


def weights_after(options, model=linear, n=24, **more):
    classifier = fit(model(), corners(n, 0), epochs=2, optimizer="sgd", **options, **more)
    return classifier.model.state_dict()


def test_batches_that_are_accumulated_are_one_large_batch():
    large = weights_after({"batch_size": 12}, n=30)  # the last step has 6 images
    small = weights_after({"batch_size": 4, "accumulate": 3}, n=30)
    for name, array in large.items():
        np.testing.assert_allclose(small[name], array, rtol=2e-5, atol=1e-6)


def test_accumulated_batches_weigh_their_classes_over_the_whole_step():
    options = {"class_weights": (1, 5, 0.5, 0), "label_smoothing": 0.1}
    large = weights_after({"batch_size": 12, **options}, n=30)
    small = weights_after({"batch_size": 3, "accumulate": 4, **options}, n=30)
    for name, array in large.items():
        np.testing.assert_allclose(small[name], array, rtol=2e-5, atol=1e-6)


def test_gradients_are_shortened_to_the_norm_that_was_asked_for():
    before = linear()
    before.build((1, 8, 8), seed=0)
    free, clipped = linear(), linear()

    def first_step(model, clip):
        steps = []

        class Follow(Callback):
            def on_start(self, plan):
                self.start = model.state_dict()

            def on_step(self, report):
                steps.append((report.lr, model.state_dict()))

        follow = Follow()
        fit(
            model, corners(24, 0), epochs=1, batch_size=24, optimizer="sgd", weight_decay=0,
            clip_norm=clip, schedule="constant", callbacks=[follow],
        )  # fmt: skip
        lr, after = steps[0]
        return {n: (follow.start[n] - after[n]) / (lr * 1.9) for n in after}  # Nesterov's first

    g, h = first_step(free, None), first_step(clipped, 0.01)
    norm = np.sqrt(sum(np.square(a, dtype=float).sum() for a in g.values()))
    assert norm > 0.02
    for name, gradient in g.items():
        np.testing.assert_allclose(h[name], gradient * (0.01 / norm), rtol=1e-3, atol=2e-6)


def test_weight_decay_leaves_biases_and_norms_alone_unless_asked():
    def moved(**options):
        """Return which parameters decay moves where no gradient does."""
        model = built(nn.Sequential(nn.LayerNorm(), tiny_cnn(), nn.Linear(4)))
        model[1][0].weight.decay_scale = 0.0  # the user's own wish
        for _, p in model.named_parameters():
            p.value[...] = 1
            p.accumulate(np.zeros_like(p.value))
        stepper = make_optimizer(model, Training(optimizer="sgd", weight_decay=0.5, **options))
        stepper.step()
        return {name for name, p in model.named_parameters() if (p.value != 1).any()}

    everything = {
        name
        for name, _ in built(
            nn.Sequential(nn.LayerNorm(), tiny_cnn(), nn.Linear(4))
        ).named_parameters()
    }
    assert moved() == {"1.6.weight", "2.weight"}
    assert moved(decay_all=True) == everything - {"1.0.weight"}


def built(model):
    model.build((1, 8, 8), seed=0)
    return model


# --- averages of the weights ------------------------------------------------------------------


def test_an_exponential_average_is_that_of_its_formula():
    model = built(linear())
    average = AverageWeights(model, decay=0.5)
    expected = model[1].weight.value.copy()
    for n in range(20):
        model[1].weight.value += 1
        average.add(model)
        keep = min(0.5, (1 + n) / (10 + n))
        expected = keep * expected + (1 - keep) * model[1].weight.value
    np.testing.assert_allclose(average.state["1.weight"], expected, rtol=1e-5)


def test_each_step_of_a_run_goes_into_its_exponential_average():
    states = []

    class Follow(Callback):
        def on_start(self, plan):
            self.model = plan.classifier.model
            states.append(self.model.state_dict())

        def on_step(self, report):
            states.append(self.model.state_dict())

    classifier = fit(
        tiny_cnn(), corners(32, 0), corners(40, 1), epochs=1, batch_size=8, ema_decay=0.4,
        callbacks=[Follow()],
    )  # fmt: skip
    mean, *steps = states
    for n, state in enumerate(steps):
        keep = min(0.4, (1 + n) / (10 + n))
        for name, array in state.items():
            mean[name] = keep * mean[name] + (1 - keep) * array
    for name, array in classifier.model.state_dict().items():
        if array.dtype.kind == "f":
            np.testing.assert_allclose(array, mean[name], rtol=1e-4, atol=1e-6)


def test_another_state_is_there_for_a_while_only():
    model = built(tiny_cnn())
    own, other = model.state_dict(), {n: a + 1 for n, a in model.state_dict().items()}
    with contextlib.suppress(KeyError), in_place_of(model, other):
        assert all(np.array_equal(a, other[n]) for n, a in model.state_dict().items())
        raise KeyError
    assert all(np.array_equal(a, own[n]) for n, a in model.state_dict().items())


def test_statistics_that_are_measured_anew_are_the_means_over_the_batches():
    model = built(nn.Sequential(nn.Conv2d(3, 3), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.5)))
    batches = [RNG.standard_normal((5, 1, 8, 8)).astype(np.float32) for _ in range(4)]
    chance = model[3].rng.bit_generator.state
    measure_statistics(model, iter(batches))
    outs = [model[0].forward(x)[0] for x in batches]
    mean = np.mean([out.mean(axis=(0, 2, 3)) for out in outs], axis=0)
    var = np.mean([out.var(axis=(0, 2, 3), ddof=1) for out in outs], axis=0)
    np.testing.assert_allclose(model[1].running_mean, mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model[1].running_var, var, rtol=1e-4)
    assert model[1].momentum == 0.1
    assert model[3].rng.bit_generator.state == chance


def test_the_last_epochs_are_averaged():
    ends = []

    class Follow(Callback):
        def on_step(self, report):
            if report.step == 3:
                ends.append(self.model.state_dict())

        def on_start(self, plan):
            self.model = plan.classifier.model

    classifier = fit(
        linear(), corners(24, 0), epochs=4, batch_size=8, swa_epochs=3, swa_lr=0.02,
        callbacks=[Follow()],
    )  # fmt: skip
    for name, array in classifier.model.state_dict().items():
        mean = np.mean([end[name] for end in ends[1:]], axis=0)
        np.testing.assert_allclose(array, mean, rtol=1e-5, atol=1e-7)
    assert [report.lr for report in classifier.history[1:]] == [0.02] * 3


@pytest.mark.parametrize("options", [{"ema_decay": 0.9}, {"swa_epochs": 2}])
def test_what_is_validated_and_kept_is_the_average(options):
    validation = corners(40, 1)
    classifier = fit(tiny_cnn(), corners(64, 0), validation, epochs=4, **options)
    best = [report for report in classifier.history if report.best][-1]
    assert classifier.evaluate(validation).loss == pytest.approx(best.validation_loss, rel=1e-6)


# --- when to stop -----------------------------------------------------------------------------


def test_training_stops_where_validation_gets_no_better():
    classifier = fit(
        linear(), corners(24, 0), corners(8, 1), epochs=50, patience=3, lr=1e-12
    )  # fmt: skip
    assert len(classifier.history) == 4  # the first is the best, and then three are not


def spoiled(images, rng):
    """Make of one batch in four something that overflows."""
    images = images.astype(np.float32)
    if rng.integers(4) == 0:
        images[0, 0, 0, 0] = np.inf
    return images


class Spoil(nn.Layer):
    """Returns infinity at its third call in training, and after it where that is asked for."""

    def __init__(self, ever_after=False):
        self.ever_after, self.calls = ever_after, 0

    def forward(self, x, *, train=False):
        self.calls += train
        wrong = self.calls >= 3 if self.ever_after else self.calls == 3
        return (np.full_like(x, np.inf) if train and wrong else x), None

    def backward(self, dout, cache):
        return dout


@pytest.mark.parametrize(
    ("ever_after", "told"),
    [
        (True, "it comes first out of layer 1.1 (Spoil)"),
        (False, "the scores were not finite, and are when the batch is run again"),
    ],
)
def test_a_loss_that_is_not_finite_stops_and_names_the_layer_and_the_batch(ever_after, told):
    inner = nn.Sequential(nn.ReLU(), Spoil(ever_after))
    model = nn.Sequential(nn.Conv2d(4, 3), inner, nn.Dropout(0.5), nn.Flatten(), nn.Linear(4))
    with pytest.raises(TrainingError) as caught:
        fit(model, corners(40, 0), epochs=2, batch_size=8)
    text = str(caught.value)
    assert f"batch 3 of epoch 1: {told}" in text
    assert "clip_norm=1" in text
    assert len(text.splitlines()) == 3


def test_the_layer_that_overflows_is_named():
    model = nn.Sequential(
        nn.Flatten(), nn.Residual(nn.Sequential(nn.Linear(64), nn.ReLU())), nn.Linear(4)
    )
    built(model)
    x = np.full((2, 1, 8, 8), 3e38, dtype=np.float32)
    model[1].body[0].weight.value[...] = 1

    def where(x):
        return where_it_began(model, x, model.forward(x)[0], {})

    assert where(x) == "it comes first out of layer 1.body.0 (Linear)"
    model[2].weight.value[0, 0] = np.nan
    assert where(x).startswith("the weights 2.weight are not finite")
    model[2].weight.value[0, 0] = 0
    assert where(x * np.inf).startswith("its images are not finite")
    assert "scores are finite" in where(np.zeros_like(x))


def test_a_step_that_is_skipped_leaves_the_weights_and_statistics_as_they_were():
    seen = []

    class Follow(Callback):
        def on_start(self, plan):
            self.model = plan.classifier.model

        def on_step(self, report):
            seen.append(self.model.state_dict())

        def on_warning(self, text):
            seen.append(text)

    model = nn.Sequential(
        nn.Conv2d(4, 3), nn.BatchNorm(), Spoil(), nn.BatchNorm(), nn.Flatten(), nn.Linear(4)
    )
    classifier = fit(
        model, corners(40, 0), epochs=1, batch_size=8, on_nonfinite="skip", callbacks=[Follow()]
    )
    texts = [entry for entry in seen if isinstance(entry, str)]
    assert len(texts) == 1
    assert texts[0].startswith("a step is left out: the loss is nan at batch 3 of epoch 1: ")
    second, third, fourth = [entry for entry in seen if isinstance(entry, dict)][1:4]
    for name, array in second.items():
        assert np.isfinite(array).all()
        assert np.array_equal(array, third[name]), name
    assert not np.array_equal(third["0.weight"], fourth["0.weight"])
    assert np.isfinite(classifier.history[0].train_loss)


def test_an_epoch_of_skipped_steps_has_no_loss_and_warns_of_none_that_rises():
    seen = []

    class Follow(Callback):
        def on_warning(self, text):
            seen.append(text)

    class Late(Spoil):
        def forward(self, x, *, train=False):
            self.calls += train
            return (np.full_like(x, np.inf) if train and self.calls <= 2 else x), None

    model = nn.Sequential(Late(), nn.Flatten(), nn.Linear(4))
    classifier = fit(
        model, corners(16, 0), epochs=3, batch_size=8, on_nonfinite="skip", callbacks=[Follow()]
    )
    assert np.isnan(classifier.history[0].train_loss)
    assert len(seen) == 1


def test_weights_that_are_not_finite_are_neither_kept_nor_saved(tmp_path):
    class Break(Callback):
        def on_start(self, plan):
            self.model = plan.classifier.model

        def on_step(self, report):
            if (report.epoch, report.step) == (2, 5):
                self.model[1].weight.value[0] = np.nan

    folder = RunFolder(tmp_path / "run", RunSettings())
    with pytest.raises(TrainingError, match="the weights are not finite at step 5 of epoch 2"):
        fit(linear(), corners(40, 0), epochs=3, batch_size=8, callbacks=[folder, Break()])
    assert np.isfinite(load(folder.model_path).model[1].weight.value).all()


def test_a_network_that_cannot_be_copied_is_trained_all_the_same():
    class Locked(nn.Layer):
        def __init__(self):
            self.lock = threading.Lock()

        def forward(self, x, *, train=False):
            return x, None

        def backward(self, dout, cache):
            return dout

    model = nn.Sequential(Locked(), nn.Conv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4))
    assert len(fit(model, corners(16, 0), epochs=2).history) == 2


def test_a_warning_is_heard_by_who_listens_and_else_by_everybody():
    one = corners(16, 0).subset([0, 4, 8])
    with pytest.warns(TrainingWarning, match="class"):
        fit(linear(), one, epochs=1, callbacks=[Callback()])


def test_a_run_that_skips_only_is_given_up():
    class Always(Spoil):
        def forward(self, x, *, train=False):
            return (np.full_like(x, np.inf) if train else x), None

    model = nn.Sequential(Always(), nn.Flatten(), nn.Linear(4))
    with (
        pytest.warns(TrainingWarning, match="a step is left out"),
        pytest.raises(TrainingError, match="20 steps in a row"),
    ):
        fit(model, corners(40, 0), epochs=20, batch_size=8, on_nonfinite="skip")


def test_a_loss_that_rises_is_told():
    images = RNG.integers(0, 255, (40, 1, 8, 8), dtype=np.uint8)
    noise = Dataset(images, RNG.integers(0, 4, 40), tuple("abcd"))  # nothing to be learned
    with pytest.warns(TrainingWarning, match=r"the loss rose from .* learning rate 10 may be"):
        fit(linear(), noise, epochs=10, batch_size=8, lr=10)


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ((2.0, 0.5, 0.01, 0.03), 0),  # trembles near its end
        ((2.0, 0.5, 0.8), 0),  # less than twice
        ((2.0, 0.4, 1.0), 1),
        ((math.nan, 2.0, 0.4, 1.0), 1),
        ((1.0,), 0),
    ],
)
def test_a_loss_is_told_that_rises_by_much(losses, told):
    heard = []

    class Pretend(Callback):
        """Puts losses of epochs into the history that has just one."""

        def on_epoch(self, report, classifier):
            classifier.history[:] = [replace(report, train_loss=loss) for loss in losses]

        def on_warning(self, text):
            heard.append(text)

    fit(linear(), corners(8, 0), epochs=1, callbacks=[Pretend()])
    assert len(heard) == told


def test_dead_units_are_told_once():
    model = built(nn.Sequential(nn.Conv2d(8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4)))
    model[0].bias.value[:6] = -1e6
    with pytest.warns(TrainingWarning) as told:
        fit(model, corners(40, 0), epochs=3, batch_size=8)
    (text,) = [str(w.message) for w in told]
    assert text.startswith("6 of the 8 channels of 1 are 0 for each of 40 images")


# --- as plain data ------------------------------------------------------------------------------


def test_settings_go_through_plain_data():
    training = Training(
        epochs=3, optimizer="sgd", lr=0.1, class_weights=(1, 2), clip_norm=1, swa_epochs=1
    )
    plain = json.loads(json.dumps(training.to_dict()))
    assert Training.from_dict(plain) == training
    assert Training().to_dict() == {}
    with pytest.raises(OptionError, match="use 'label_smoothing'"):
        Training.from_dict({"label_smooting": 0.1})
