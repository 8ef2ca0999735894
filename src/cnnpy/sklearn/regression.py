"""Training by the mean squared error: the loop behind CNNRegressor.

:func:`cnnpy.train.fit` trains classifiers; this is the same plan for numbers, built of
the same loader, optimizers and schedules.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import DataError, OptionError, ShapeError
from cnnpy.data import Loader, Preprocessing
from cnnpy.nn import Layer, MeanSquaredError
from cnnpy.optim import SCHEDULES, Optimizer, Schedule
from cnnpy.train import Training
from cnnpy.train.stepper import make_optimizer

__all__ = ["Regression", "RegressionReport", "fit_regression"]

_WHERE = "CNNRegressor"


@dataclass(frozen=True)
class RegressionReport:
    """One epoch of :class:`CNNRegressor`; losses are in units of the variance of y.

    Parameters
    ----------
    epoch : int
        The first is 1.
    lr : float
        The learning rate of its last step.
    train_loss : float
        The mean squared error while training, augmentation and dropout included.
    validation_loss : float
        After the epoch; NaN where nothing was held out.
    best : bool
        Whether it is the best epoch so far; without validation each is.
    """

    epoch: int
    lr: float
    train_loss: float
    validation_loss: float
    best: bool


class Regression(NamedTuple):
    """What comes out: the network, what its images go through, and how it went."""

    network: Layer
    preprocessing: Preprocessing
    history: list[RegressionReport]


class _Samples(NamedTuple):
    """Raw images (N, C, H, W) and what should come out for them, (N, n_outputs)."""

    images: NDArray[Any]
    targets: FloatArray

    def take(self, indices: NDArray[np.int64]) -> _Samples:
        return _Samples(self.images[indices], self.targets[indices])


def fit_regression(
    network: Layer,
    images: NDArray[Any],
    targets: FloatArray,
    training: Training,
    *,
    held_out: float,
    follow: Callable[[RegressionReport], None],
) -> Regression:
    """Train a network to give numbers for images, by their mean squared error.

    Parameters
    ----------
    network : Layer
        The network; it is built if it is not, and is the one that is trained.
    images : ndarray of shape (N, C, H, W)
        Raw images, uint8, float32 or float64.
    targets : ndarray of shape (N, n_outputs) of float32
        What should come out, of mean 0 and spread 1.
    training : Training
        Epochs, batches, optimizer, schedule, augmentation, patience and seed.
    held_out : float
        The share of the images that chooses the best epoch, from 0 to below 1.
    follow : callable
        Hears of each epoch.

    Returns
    -------
    Regression
        With the best weights.

    Raises
    ------
    OptionError
        Where the loss is no number any more.
    DataError
        Where too few images are there to hold some out.
    ShapeError
        Where the network does not fit to the images or targets.
    """
    first, order, held = np.random.SeedSequence(training.seed).spawn(3)
    train, validation = _split(_Samples(images, targets), held_out, np.random.default_rng(held))
    preprocessing = Preprocessing.fit(train.images)
    planned = network.build(preprocessing.shape, seed=np.random.default_rng(first))
    _check_outputs(planned, targets.shape[1])
    loader = Loader(
        (train.images, np.arange(len(train.images))),  # the loader's labels: which targets
        training.batch_size,
        shuffle=True,
        seed=int(order.generate_state(1)[0]),
        preprocessing=preprocessing,
        augment=training.augment,
    )
    stepper = make_optimizer(network, training)
    plan = SCHEDULES[training.schedule](training.highest_lr, training.epochs * len(loader))
    history: list[RegressionReport] = []
    best_loss, best_state = math.inf, None
    for epoch in range(1, training.epochs + 1):
        loss = _train_epoch(network, loader, train.targets, stepper, plan)
        _check_finite(loss, epoch, plan.lr)
        report = RegressionReport(epoch, stepper.lr, loss, math.nan, best=True)
        if validation is not None:
            found = network.outputs(preprocessing.apply(validation.images))
            value = float(MeanSquaredError().forward(found, validation.targets)[0])
            report = replace(report, validation_loss=value, best=value < best_loss)
            if report.best:
                best_loss, best_state = value, network.state_dict()
        history.append(report)
        follow(report)
        last_best = max(report.epoch for report in history if report.best)
        if training.patience is not None and epoch - last_best >= training.patience:
            break
    if best_state is not None:
        network.load_state_dict(best_state)
    network.zero_grad()
    return Regression(network, preprocessing, history)


def _split(
    samples: _Samples, share: float, rng: np.random.Generator
) -> tuple[_Samples, _Samples | None]:
    """Hold out a share of the samples, at least one, drawn at random."""
    if not share:
        return samples, None
    N = len(samples.images)
    n_held = max(1, round(share * N))
    if n_held >= N:
        raise DataError(
            f"{_WHERE}: validation_fraction={share:g} of {N} samples leaves none to learn from",
            "a share that leaves at least one sample",
            f"use validation_fraction={1 / N:.2g}",
        )
    drawn = rng.permutation(N)
    return samples.take(np.sort(drawn[n_held:])), samples.take(np.sort(drawn[:n_held]))


def _train_epoch(
    network: Layer, loader: Loader, targets: FloatArray, stepper: Optimizer, plan: Schedule
) -> float:
    """Take one step a batch; return the mean loss of the epoch."""
    measure, total, n_images = MeanSquaredError(), 0.0, 0
    for x, which in loader:
        stepper.lr = plan(stepper.n_steps)
        found, cache = network.forward(x, train=True)
        value, loss_cache = measure.forward(found, targets[which])
        stepper.zero_grad()
        network.backward_parameters(measure.backward(loss_cache), cache)
        stepper.step()
        total += float(value) * len(which)
        n_images += len(which)
    return total / n_images


def _check_outputs(planned: tuple[int, ...], n_outputs: int) -> None:
    if planned != (n_outputs,):
        raise ShapeError(
            f"{_WHERE}: the network returns {planned} an image; y has {n_outputs} "
            f"{'number' if n_outputs == 1 else 'numbers'} a sample",
            "one output for each",
            f"end the network with Linear({n_outputs})",
        )


def _check_finite(loss: float, epoch: int, lr: float) -> None:
    if not math.isfinite(loss):
        raise OptionError(
            f"{_WHERE}: the loss is {loss} in epoch {epoch}, with lr={lr:g}",
            "a learning rate with which the loss stays finite",
            f"use lr={lr / 10:g}",
        )
