"""fit: the training loop.

Everything that chance decides comes from one seed: the first values of the
parameters, the masks of dropout, the order of the images and their augmentation.
The weights that are kept are those of the epoch with the best validation accuracy.
"""

from __future__ import annotations

import difflib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DataError, OptionError
from cnnpy.contract.options import integer, real
from cnnpy.data import ImageSource, Loader, Preprocessing
from cnnpy.nn import LOSSES, Layer, Loss
from cnnpy.optim import OPTIMIZERS, SCHEDULES, Optimizer
from cnnpy.train.classifier import Classifier
from cnnpy.train.reports import EpochReport, StepReport

__all__ = ["DEFAULT_LR", "Callback", "FitPlan", "fit"]

DEFAULT_LR: Mapping[str, float] = {"sgd": 0.05, "rmsprop": 0.001, "adam": 0.002, "adamw": 0.002}
"""The highest learning rate of each optimizer, where none is given."""

Augment = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]


@dataclass(frozen=True)
class FitPlan:
    """What a training run is going to do, told to the callbacks before it begins.

    Parameters
    ----------
    classifier : Classifier
        With the first weights.
    n_epochs, n_steps_per_epoch, n_images : int
        Epochs, steps in each, and training images.
    """

    classifier: Classifier
    n_epochs: int
    n_steps_per_epoch: int
    n_images: int


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
            With the weights as they are now.
        """

    def on_end(self, classifier: Classifier) -> None:
        """Hear that training is over.

        Parameters
        ----------
        classifier : Classifier
            With the best weights.
        """


def fit(
    model: Layer,
    train: ImageSource,
    validation: ImageSource | None = None,
    *,
    epochs: int = 10,
    batch_size: int = 64,
    optimizer: str = "adamw",
    lr: float | None = None,
    weight_decay: float | None = None,
    schedule: str = "one-cycle",
    warmup_epochs: float = 0.0,
    loss: str | Loss = "softmax_cross_entropy",
    augment: Augment | None = None,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
) -> Classifier:
    """Train a network on images and return it with all that it takes to use it.

    Parameters
    ----------
    model : Layer
        The network; it is built if it is not, and is the one that is trained.
    train : ImageSource
        Images to learn from: a Dataset, or a LazyDataset where they do not fit in memory.
    validation : ImageSource, optional
        Images that choose the best epoch; the last epoch is kept without them.
    epochs : int
        How often each image is seen.
    batch_size : int
        Images a step.
    optimizer : {"adamw", "adam", "sgd", "rmsprop"}
        The optimizer; "sgd" with Nesterov momentum 0.9.
    lr : float, optional
        The highest learning rate; :data:`DEFAULT_LR` by default.
    weight_decay : float, optional
        The optimizer's own by default.
    schedule : {"one-cycle", "cosine", "step", "constant"}
        How the learning rate goes.
    warmup_epochs : float
        Epochs in which the learning rate rises before.
    loss : str or Loss
        A name of :data:`cnnpy.nn.LOSSES` that takes class indices, or an object.
    augment : callable, optional
        Of ``(images, rng)``: changes each batch before it is preprocessed.
    seed : int
        Decides everything that chance decides.
    callbacks : sequence of Callback
        Who follows the run.

    Returns
    -------
    Classifier
        With the best weights, and the history.

    Raises
    ------
    OptionError
        Where an option is out of its range.
    DataError
        Where the data sets do not fit together, or there is nothing to learn from.
    ShapeError
        Where the network does not fit to the images or classes.

    Examples
    --------
    >>> import cnnpy
    >>> parts = cnnpy.data.split(cnnpy.data.digits(), seed=0)
    >>> small = parts.train.subset(range(128))
    >>> classifier = fit(cnnpy.models.small_cnn(10), small, epochs=1)
    >>> classifier.history[0].epoch
    1
    """
    epochs = integer(1)("fit", "epochs", epochs)
    batch_size = integer(1)("fit", "batch_size", batch_size)
    seed = integer(0)("fit", "seed", seed)
    measure = _find_loss(loss)
    _check_data(train, validation)

    chances = np.random.SeedSequence(seed).spawn(2)
    preprocessing = Preprocessing.fit(train)
    model.build(train.shape, dtype=preprocessing.dtype, seed=np.random.default_rng(chances[0]))
    classifier = Classifier(model, preprocessing, train.class_names)
    loader = Loader(
        train,
        batch_size,
        shuffle=True,
        seed=int(chances[1].generate_state(1)[0]),
        preprocessing=preprocessing,
        augment=augment,
    )
    n_steps = epochs * len(loader)
    stepper = _make_optimizer(model, optimizer, lr, weight_decay)
    plan_lr = _find(SCHEDULES, "schedule", schedule)(
        stepper.lr,
        n_steps,
        warmup_steps=round(real(0.0)("fit", "warmup_epochs", warmup_epochs) * len(loader)),
    )
    for callback in callbacks:
        callback.on_start(FitPlan(classifier, epochs, len(loader), len(train)))

    keeper = _BestKeeper()
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        last = _train_epoch(model, loader, measure, stepper, plan_lr, epoch, callbacks)
        trained = time.perf_counter() - began
        valid = classifier.evaluate(validation, loss=measure) if validation else None
        report = EpochReport(
            epoch=epoch,
            lr=last.lr,
            train_loss=last.loss,
            train_accuracy=last.accuracy,
            validation_loss=valid.loss if valid else math.nan,
            validation_accuracy=valid.accuracy if valid else math.nan,
            images_per_s=last.n_images / max(trained, 1e-9),
            seconds=time.perf_counter() - began,
            best=keeper.see(model, valid.accuracy, valid.loss) if valid else True,
        )
        classifier.history.append(report)
        for callback in callbacks:
            callback.on_epoch(report, classifier)
    keeper.give_back(model)
    model.zero_grad()
    for callback in callbacks:
        callback.on_end(classifier)
    return classifier


class _BestKeeper:
    """Keep the weights of the epoch with the best accuracy, ties to the lower loss."""

    def __init__(self) -> None:
        self.best = (-math.inf, -math.inf)
        self.state: dict[str, NDArray[Any]] | None = None

    def see(self, model: Layer, accuracy: float, loss: float) -> bool:
        now = (accuracy, -loss if math.isfinite(loss) else -math.inf)
        if now <= self.best and self.state is not None:
            return False
        self.best, self.state = now, model.state_dict()
        return True

    def give_back(self, model: Layer) -> None:
        if self.state is not None:
            model.load_state_dict(self.state)


def _train_epoch(
    model: Layer,
    loader: Loader,
    measure: Loss,
    stepper: Optimizer,
    plan_lr: Callable[[int], float],
    epoch: int,
    callbacks: Sequence[Callback],
) -> StepReport:
    """Take one step a batch; return the report of the last."""
    n_images = n_right = 0
    total = 0.0
    report = StepReport(epoch, 0, stepper.lr, 0, math.nan, math.nan)
    for step, (x, y) in enumerate(loader, start=1):
        stepper.lr = plan_lr(stepper.n_steps)
        scores, cache = model.forward(x, train=True)
        value, loss_cache = measure.forward(scores, y)
        stepper.zero_grad()
        model.backward_parameters(measure.backward(loss_cache), cache)
        stepper.step()
        n_images += len(y)
        n_right += int((scores.argmax(axis=1) == y).sum())
        total += float(value) * len(y)
        report = StepReport(epoch, step, stepper.lr, n_images, total / n_images, n_right / n_images)
        for callback in callbacks:
            callback.on_step(report)
    return report


def _make_optimizer(
    model: Layer, name: str, lr: float | None, weight_decay: float | None
) -> Optimizer:
    kind = _find(OPTIMIZERS, "optimizer", name)
    options: dict[str, Any] = {"lr": DEFAULT_LR[name] if lr is None else lr}
    if weight_decay is not None:
        options["weight_decay"] = weight_decay
    if name == "sgd":
        options |= {"momentum": 0.9, "nesterov": True}
    stepper: Optimizer = kind(model.parameters(), **options)
    return stepper


def _find_loss(loss: str | Loss) -> Loss:
    return loss if isinstance(loss, Loss) else _find(LOSSES, "loss", loss)()


def _find(table: Mapping[str, Any], what: str, name: str) -> Any:
    if name not in table:
        near = difflib.get_close_matches(str(name), table, n=1, cutoff=0.0)[0]
        raise OptionError(
            f"fit: {what}={name!r}", "one of " + ", ".join(map(repr, table)), f"use {near!r}"
        )
    return table[name]


def _check_data(train: ImageSource, validation: ImageSource | None) -> None:
    if len(train) == 0:
        raise DataError(
            f"fit: the data set {train.name!r} has no images to learn from",
            "at least one image",
            "give a larger share to the training part of the split",
        )
    if validation is not None and validation.class_names != train.class_names:
        raise DataError(
            f"fit: training has the classes {train.class_names}, "
            f"validation {validation.class_names}",
            "the same classes in the same order",
            "split one data set: cnnpy.data.split(dataset)",
        )
