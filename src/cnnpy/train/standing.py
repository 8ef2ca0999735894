"""What of a training run changes from step to step: all that goes into a checkpoint.

A checkpoint may come from somebody else: names, shapes, types and ranges are held against the
run that it is said to be of before anything is taken over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import CnnpyError
from cnnpy.nn import Layer
from cnnpy.optim import Optimizer
from cnnpy.train.averages import AverageWeights
from cnnpy.train.checkpoints import Snapshot, typed
from cnnpy.train.classifier import Classifier
from cnnpy.train.training import Training

__all__ = ["CONTRADICTIONS", "BestKeeper", "EpochSums", "Standing", "State"]

State = Mapping[str, NDArray[Any]]

CONTRADICTIONS = (
    *(KeyError, TypeError, ValueError, AttributeError, OverflowError, AssertionError),
    *(IndexError, CnnpyError),
)
"""What comes of a checkpoint that somebody made up."""


@dataclass
class EpochSums:
    """What an epoch has come to so far; steps are left out in a row across epochs too."""

    n_images: int = 0
    n_right: int = 0
    loss: float = 0.0
    train_s: float = 0.0
    seconds: float = 0.0
    n_skipped: int = 0


class BestKeeper:
    """Keep the weights of the epoch with the best accuracy, ties to the lower loss."""

    def __init__(self) -> None:
        self.score = (-math.inf, -math.inf)
        self.state: State | None = None

    def see(self, model: Layer, accuracy: float, loss: float) -> bool:
        """Keep the weights of an epoch if it is the best so far.

        Parameters
        ----------
        model : Layer
            With the weights that were validated.
        accuracy, loss : float
            Of the validation.

        Returns
        -------
        bool
            Whether it is.
        """
        now = (accuracy, -loss if math.isfinite(loss) else -math.inf)
        if now <= self.score and self.state is not None:
            return False
        self.score, self.state = now, model.state_dict()
        return True


class Standing:
    """Where a run stands between two steps.

    Attributes
    ----------
    model : Layer
        The network.
    training : Training
        How it is trained.
    classifier : Classifier
        Of the network, with the history.
    stepper : Optimizer
        Of its parameters.
    keeper : BestKeeper
        The best weights so far.
    average : AverageWeights or None
        The average of the weights.
    epoch, step : int
        The epoch, the first being 1, and how many of its steps are done.
    steps_per_epoch : int
        Steps in an epoch.
    sums : EpochSums
        What the epoch has come to so far.
    told_dead : set of str
        Layers whose dead channels were told of.
    """

    model: Layer
    training: Training
    classifier: Classifier
    stepper: Optimizer
    keeper: BestKeeper
    average: AverageWeights | None
    epoch: int
    step: int
    steps_per_epoch: int
    sums: EpochSums
    told_dead: set[str]

    def snapshot(self, identity: Mapping[str, Any]) -> Snapshot:
        """Write all of it down.

        Parameters
        ----------
        identity : mapping
            What the run is.

        Returns
        -------
        Snapshot
            For a checkpoint.
        """
        arrays: dict[str, State] = {
            "model": self.model.state_dict(),
            "optimizer": self.stepper.state_dict(),
        }
        if self.keeper.state is not None:
            arrays["best"] = self.keeper.state
        if self.average is not None:
            arrays["average"] = self.average.state
        progress = {
            "sums": asdict(self.sums),
            "best": list(self.keeper.score),
            "averaged": 0 if self.average is None else self.average.n,
            "told_dead": sorted(self.told_dead),
        }
        generators = {name: _plain(g) for name, g in self.model.named_generators()}
        steps = (self.epoch - 1) * self.steps_per_epoch + self.step
        return Snapshot(
            identity,
            *(self.epoch, self.step, steps),
            progress,
            generators,
            self.classifier.history,
            arrays,
        )

    def take_over(self, snapshot: Snapshot) -> None:
        """Stand where a checkpoint was written; it is trusted in nothing.

        Parameters
        ----------
        snapshot : Snapshot
            Of the same run.

        Raises
        ------
        Exception
            One of :data:`CONTRADICTIONS`, where what it says cannot be.
        """
        arrays, progress = snapshot.arrays, snapshot.progress
        self._check(snapshot)
        sums = typed(EpochSums, progress["sums"])
        n_steps = int(arrays["optimizer"]["n_steps"])
        _demand(0 <= n_steps <= snapshot.n_steps, "the steps of its optimizer")
        _demand((self.average is None) == ("average" not in arrays), "average")
        averaged = int(progress["averaged"])
        _demand(0 <= averaged <= snapshot.n_steps, "how many states were averaged")
        accuracy, loss = map(float, progress["best"])
        self.stepper.load_state_dict(arrays["optimizer"])
        if self.average is not None:
            self.average.load(arrays["average"], averaged)
        self.keeper.score, self.keeper.state = (accuracy, loss), arrays.get("best")
        for name, generator in self.model.named_generators():
            generator.bit_generator.state = snapshot.generators[name]
        self.told_dead = set(map(str, progress["told_dead"]))
        self.model.load_state_dict(arrays["model"])
        self.epoch, self.step, self.sums = snapshot.epoch, snapshot.step, sums
        self.classifier.history[:] = snapshot.history

    def _check(self, snapshot: Snapshot) -> None:
        """Hold places and arrays against those of this run."""
        arrays = snapshot.arrays
        _demand(1 <= snapshot.epoch <= self.training.epochs + 1, "its epoch")
        _demand(snapshot.step <= self.steps_per_epoch, "its step")
        _demand(len(snapshot.history) == snapshot.epoch - 1, "its history")
        own = self.model.state_dict()
        for part in ("model", "best", "average"):
            for name, array in arrays.get(part, {}).items():
                _demand(name in own and array.shape == own[name].shape, f"{part} {name}")
                _demand(array.dtype == own[name].dtype, f"{part} {name}")
                _demand(bool(np.isfinite(array).all()), f"{part} {name}")
            _demand(part not in arrays or set(arrays[part]) == set(own), part)


def _demand(fine: bool, what: str) -> None:
    if not fine:
        raise ValueError(f"{what} cannot be")


def _plain(generator: np.random.Generator) -> Any:
    """Bring the state of a generator into a form that JSON has."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items()}
        return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value

    return plain(generator.bit_generator.state)
