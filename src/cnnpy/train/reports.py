"""What a training run reports: the numbers of a step and of an epoch."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EpochReport", "StepReport"]


@dataclass(frozen=True)
class StepReport:
    """One step, with the numbers of its epoch so far.

    Parameters
    ----------
    epoch, step : int
        The first of each is 1.
    lr : float
        The step's learning rate.
    n_images : int
        Images of the epoch so far.
    loss, accuracy : float
        Means over them.
    """

    epoch: int
    step: int
    lr: float
    n_images: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class EpochReport:
    """One epoch; losses are means over its images, seconds are of the wall clock.

    Parameters
    ----------
    epoch : int
        The first is 1.
    lr : float
        The learning rate of its last step.
    train_loss, train_accuracy : float
        While training, augmentation and dropout included.
    validation_loss, validation_accuracy : float
        After the epoch; NaN without a validation set.
    images_per_s : float
        Training images a second, evaluation not counted.
    seconds : float
        The whole epoch.
    best : bool
        Whether it is the best epoch so far.
    """

    epoch: int
    lr: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    images_per_s: float
    seconds: float
    best: bool
