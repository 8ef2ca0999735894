"""CNNRegressor: planted functions found again, units, several outputs, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.metrics import r2_score

from cnnpy import nn
from cnnpy.contract import CnnpyError, DataError, OptionError, ShapeError
from cnnpy.data import RandomFlip
from cnnpy.sklearn import CNNRegressor, RegressionReport


def linear(n_outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(n_outputs))


def halves(n: int, seed: int = 0):
    """Make images and how much brighter their left half is than their right."""
    X = np.random.default_rng(seed).random((n, 1, 6, 6))
    return X, X[..., :3].mean(axis=(1, 2, 3)) - X[..., 3:].mean(axis=(1, 2, 3))


def tiny(n_outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(n_outputs))


def test_a_planted_function_of_images_is_found():
    regressor = CNNRegressor(tiny, epochs=40, random_state=0).fit(*halves(400))
    assert regressor.score(*halves(200, seed=1)) > 0.8


def test_a_planted_function_of_rows_is_found():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (600, 5))
    y = np.abs(X[:, 0]) - X[:, 1] * X[:, 2]
    regressor = CNNRegressor(random_state=0, epochs=30).fit(X[:400], y[:400])
    assert regressor.score(X[400:], y[400:]) > 0.9


def test_a_linear_layer_comes_to_the_least_squares():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 4))
    y = X @ np.array([3.0, -2.0, 0.5, 0.0]) + 7 + 0.1 * rng.standard_normal(200)
    design = np.column_stack([X, np.ones(200)])
    expected = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    found = CNNRegressor(
        linear, epochs=100, optimizer="adam", lr=0.02, random_state=0
    ).fit(X, y).predict(X)  # fmt: skip
    assert np.abs(found - expected).max() < 0.02


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_unit_of_y_does_not_matter(unit):
    X, y = halves(60)
    small = CNNRegressor(tiny, epochs=3, random_state=0).fit(X, y).predict(X)
    large = CNNRegressor(tiny, epochs=3, random_state=0).fit(X, unit * (y + 5)).predict(X)
    np.testing.assert_allclose(large / unit - 5, small, atol=1e-4)


def test_each_output_is_learned_in_its_own_unit():
    X, y = halves(300)
    both = np.column_stack([1000 * y, 5 - y / 1000])
    regressor = CNNRegressor(tiny, random_state=0).fit(X, both)
    found = regressor.predict(X)
    assert found.shape == (300, 2) and found.dtype == np.float64
    assert (r2_score(both, found, multioutput="raw_values") > 0.8).all()
    np.testing.assert_allclose(regressor.target_mean_, both.mean(axis=0))
    np.testing.assert_allclose(regressor.target_scale_, both.std(axis=0))


def test_predictions_have_as_many_axes_as_y():
    X, y = halves(20)
    assert CNNRegressor(tiny, epochs=1).fit(X, y).predict(X).shape == (20,)
    assert CNNRegressor(tiny, epochs=1).fit(X, y[:, np.newaxis]).predict(X).shape == (20, 1)


def test_a_y_that_is_always_the_same_is_predicted():
    X, _ = halves(20)
    regressor = CNNRegressor(linear, epochs=60, lr=0.05, random_state=0).fit(X, np.full(20, 42.0))
    assert regressor.target_scale_.tolist() == [1.0]
    assert np.abs(regressor.predict(X) - 42).max() < 0.2


def test_the_same_seed_gives_the_same_bits_and_another_gives_others():
    X, y = halves(60)
    first, again, other = (
        CNNRegressor(epochs=2, augment=RandomFlip(), validation_fraction=0.2, random_state=seed)
        .fit(X, y)
        .predict(X)
        for seed in (5, 5, 6)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_is_predicted_of_an_image_has_the_same_bits_whatever_stands_beside_it():
    X = np.random.default_rng(0).standard_normal((50, 20))
    regressor = CNNRegressor(epochs=1, random_state=0).fit(X, X[:, 3])
    whole = regressor.predict(X)
    order = np.random.default_rng(1).permutation(50)
    assert np.array_equal(regressor.predict(X[order]), whole[order])
    assert np.array_equal(regressor.predict(X[7:8]), whole[7:8])


def test_the_best_epoch_on_what_is_held_out_is_kept():
    X, y = halves(80)
    seen: list[float] = []

    class Watched(CNNRegressor):
        def _say(self, report: RegressionReport) -> None:
            seen.append(report.validation_loss)

    regressor = Watched(
        tiny, epochs=6, optimizer="sgd", lr=0.02, schedule="constant",
        validation_fraction=0.25, random_state=0,
    ).fit(X, y)  # fmt: skip
    losses = [report.validation_loss for report in regressor.history_]
    assert losses == seen and len(losses) == regressor.n_iter_ == 6
    best = [report.epoch for report in regressor.history_ if report.best]
    running = np.minimum.accumulate(losses)
    assert best == [1 + k for k in range(6) if k == 0 or losses[k] < running[k - 1]]
    assert all(math.isfinite(loss) for loss in losses)


def test_with_patience_training_stops_so_many_epochs_after_the_best():
    X, y = halves(80)
    regressor = CNNRegressor(
        tiny, epochs=300, lr=0.05, schedule="constant", validation_fraction=0.25, patience=4,
        random_state=0,
    ).fit(X, y)  # fmt: skip
    best = max(report.epoch for report in regressor.history_ if report.best)
    assert regressor.n_iter_ == best + 4 < 300


def test_held_out_samples_are_not_learned_from():
    X, y = halves(40)
    X[::2] += 100  # which of these are held out shows in the mean
    whole = CNNRegressor(tiny, epochs=1, random_state=0).fit(X, y)
    part = CNNRegressor(tiny, epochs=1, random_state=0, validation_fraction=0.25).fit(X, y)
    assert whole.preprocessing_.mean[0] == pytest.approx(X.mean())
    n_bright = part.preprocessing_.mean[0] * 30 / 100  # of the 30 that are left
    assert abs(n_bright - round(n_bright)) < 0.3
    assert math.isnan(whole.history_[0].validation_loss)


def test_verbose_prints_a_line_an_epoch(capsys):
    X, y = halves(20)
    regressor = CNNRegressor(tiny, epochs=2, verbose=1, random_state=0).fit(X, y)
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"epoch 1/2: loss {regressor.history_[0].train_loss:.4f}"
    assert second == f"epoch 2/2: loss {regressor.history_[1].train_loss:.4f}"


def test_a_loss_that_is_no_number_says_which_learning_rate_to_try():
    X, y = halves(40)
    with pytest.raises(OptionError) as caught, np.errstate(all="ignore"):
        CNNRegressor(linear, optimizer="sgd", lr=1e6, schedule="constant").fit(X, y)
    assert "lr=1e+06" in caught.value.given
    assert caught.value.mend == "use lr=100000"


@pytest.mark.parametrize(
    ("options", "kind", "mend"),
    [
        ({"model": tiny(3)}, ShapeError, "end the network with Linear(1)"),
        ({"model": "smal_cnn"}, OptionError, "use 'small_cnn'"),
        ({"epochs": 0}, OptionError, "use epochs=1"),
        ({"batch_size": 0}, OptionError, "use batch_size=1"),
        ({"optimizer": "adamm"}, OptionError, "use optimizer='adam'"),
        ({"schedule": "cosinus"}, OptionError, "use schedule='cosine'"),
        ({"validation_fraction": 0.99}, DataError, "use validation_fraction=0.042"),
        ({"validation_fraction": -0.5}, OptionError, "validation_fraction"),
        ({"augment": 3}, OptionError, "RandomShift"),
        ({"lr": -1.0}, OptionError, "lr"),
        ({"patience": 3}, OptionError, "use validation_fraction=0.1"),
    ],
)
def test_a_wrong_parameter_is_a_three_line_error(options, kind, mend):
    with pytest.raises(kind) as caught:
        CNNRegressor(**options).fit(*halves(24))
    assert isinstance(caught.value, CnnpyError)
    assert len(str(caught.value).splitlines()) == 3
    assert mend in str(caught.value)
