"""Callback: how somebody follows a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from cnnpy.train.classifier import Classifier
from cnnpy.train.reports import EpochReport, StepReport

__all__ = ["Callback", "FitPlan", "TrainingWarning"]


class TrainingWarning(UserWarning):
    """Say that something may be wrong with a training run that nobody follows."""


@dataclass(frozen=True)
class FitPlan:
    """What a training run is going to do, told to the callbacks before it begins.

    Parameters
    ----------
    classifier : Classifier
        With the first weights, or those that it goes on with; its history has the epochs
        that are over.
    n_epochs, n_steps_per_epoch, n_images : int
        Epochs, steps in each, and training images.
    epoch, step : int
        Where it goes on: the epoch, and how many of its steps are done; (1, 0) at first.
    best_state : mapping of str to ndarray, optional
        The best weights so far, where it goes on.
    is_over : bool
        Whether it had stopped early.
    """

    classifier: Classifier
    n_epochs: int
    n_steps_per_epoch: int
    n_images: int
    epoch: int = 1
    step: int = 0
    best_state: Mapping[str, NDArray[Any]] | None = None
    is_over: bool = False

    @property
    def resumed(self) -> bool:
        """Tell whether the run goes on from a checkpoint."""
        return (self.epoch, self.step) != (1, 0)

    @property
    def over(self) -> bool:
        """Tell whether nothing is left to train."""
        return self.is_over or self.epoch > self.n_epochs


class Callback:
    """Follow a training run; override what is of interest."""

    def on_start(self, plan: FitPlan) -> None:
        """Hear what is going to happen.

        Parameters
        ----------
        plan : FitPlan
            The run.
        """

    def on_step(self, report: StepReport) -> None:
        """Hear of one step.

        Parameters
        ----------
        report : StepReport
            The epoch so far.
        """

    def on_epoch(self, report: EpochReport, classifier: Classifier) -> None:
        """Hear of one epoch, after its validation.

        Parameters
        ----------
        report : EpochReport
            Its numbers.
        classifier : Classifier
            With the weights that were validated.
        """

    def on_warning(self, text: str) -> None:
        """Hear of something that may be wrong; training goes on.

        Parameters
        ----------
        text : str
            One line, without a full stop.
        """

    def on_end(self, classifier: Classifier) -> None:
        """Hear that training is over.

        Parameters
        ----------
        classifier : Classifier
            With the best weights.
        """
