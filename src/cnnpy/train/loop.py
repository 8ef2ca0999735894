"""Run: one training run, from step to step, with all that a checkpoint has to know.

An epoch is a row of steps, then a validation; a step is one batch or several whose gradients
are added up. Between two steps the run can be saved and, later, gone on with to the same bits.
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import CheckpointError, TrainingError
from cnnpy.contract.options import written
from cnnpy.data import ImageSource, Loader, Preprocessing, problems
from cnnpy.data.loader import Batch
from cnnpy.nn import Layer
from cnnpy.optim import SCHEDULES
from cnnpy.train.astray import astray, where_it_began
from cnnpy.train.averages import AverageWeights, in_place_of, measure_statistics
from cnnpy.train.callbacks import Callback, FitPlan, TrainingWarning
from cnnpy.train.checkpoints import Checkpoints, Snapshot
from cnnpy.train.classifier import Classifier, Evaluation
from cnnpy.train.dead_units import dead_units
from cnnpy.train.identity import difference, identity_of
from cnnpy.train.interruption import AskedToStop, Interruption
from cnnpy.train.objective import Objective
from cnnpy.train.reports import EpochReport, StepReport
from cnnpy.train.standing import CONTRADICTIONS, BestKeeper, EpochSums, Standing, State
from cnnpy.train.stepper import make_optimizer
from cnnpy.train.training import Training

__all__ = ["Run"]

_MOST_SKIPPED = 20
"""Steps in a row that may be left out before the run is given up."""

_MIXING_STREAM = 2

_RISE = 0.25
"""The share of the first epoch's loss by which it has to rise to be told of."""

_LOOKED_AT = 64
"""Images by which dead units are looked for."""


class Run(Standing):
    """One training run.

    Parameters
    ----------
    model : Layer
        The network; it is built if it is not.
    train : ImageSource
        Images to learn from.
    validation : ImageSource or None
        Images that choose the best epoch.
    training : Training
        How it is trained.
    callbacks : sequence of Callback
        Who follows.
    """

    def __init__(
        self,
        model: Layer,
        train: ImageSource,
        validation: ImageSource | None,
        training: Training,
        callbacks: Sequence[Callback],
    ) -> None:
        self.model, self.train, self.validation = model, train, validation
        self.training, self.callbacks = training, callbacks
        self.objective = Objective(training, train)
        chances = np.random.SeedSequence(training.seed).spawn(2)
        preprocessing = Preprocessing.fit(train)
        model.build(train.shape, dtype=preprocessing.dtype, seed=np.random.default_rng(chances[0]))
        self.classifier = Classifier(model, preprocessing, train.class_names)
        self.loader = Loader(
            train,
            training.batch_size,
            shuffle=True,
            seed=int(chances[1].generate_state(1)[0]),
            preprocessing=preprocessing,
            augment=training.augment,
        )
        self.steps_per_epoch = math.ceil(len(self.loader) / training.accumulate)
        self.stepper = make_optimizer(model, training)
        self.schedule = SCHEDULES[training.schedule](
            training.highest_lr,
            training.epochs * self.steps_per_epoch,
            warmup_steps=round(training.warmup_epochs * self.steps_per_epoch),
        )
        self.average = None
        if training.ema_decay is not None or training.swa_epochs:
            self.average = AverageWeights(model, training.ema_decay)
        self.keeper = BestKeeper()
        self.epoch, self.step = 1, 0
        self.sums = EpochSums()
        self.identity: dict[str, Any] | None = None
        self.told_dead: set[str] = set()
        self.weights_ahead: list[float] | None = None

    # --- from here to the end ---------------------------------------------------------

    def to_its_end(self, checkpoints: Checkpoints | None, interruption: Interruption) -> Classifier:
        """Train until all epochs are over, or the validation gets no better.

        Parameters
        ----------
        checkpoints : Checkpoints or None
            Where the run is saved.
        interruption : Interruption
            Whether it was asked to end.

        Returns
        -------
        Classifier
            With the best weights.
        """
        plan = FitPlan(
            self.classifier,
            self.training.epochs,
            self.steps_per_epoch,
            len(self.train),
            *(self.epoch, self.step, self.keeper.state),
            is_over=self._has_no_hope(),
        )
        for callback in self.callbacks:
            callback.on_start(plan)
        if not plan.resumed:
            for text in self._problems(interruption):
                self.warn(text)
        while self.epoch <= self.training.epochs and not self._has_no_hope():
            self._train_epoch(checkpoints, interruption)
            self._judge_epoch(checkpoints, interruption)
        if self.keeper.state is not None:
            self.model.load_state_dict(self.keeper.state)
        self.model.zero_grad()
        for callback in self.callbacks:
            callback.on_end(self.classifier)
        return self.classifier

    def warn(self, text: str) -> None:
        """Tell of something that may be wrong.

        Parameters
        ----------
        text : str
            One line.
        """
        heard = [c for c in self.callbacks if type(c).on_warning is not Callback.on_warning]
        for callback in heard:
            callback.on_warning(text)
        if not heard:
            warnings.warn(text, TrainingWarning, stacklevel=2)

    def _problems(self, interruption: Interruption) -> list[str]:
        """Look at the data, unless the process is asked to end meanwhile."""
        try:
            with interruption.leaves_at_once():
                return [problem.text for problem in problems(self.train, self.validation)]
        except AskedToStop:
            interruption.go_on()
            return []

    def _has_no_hope(self) -> bool:
        patience, history = self.training.patience, self.classifier.history
        if patience is None or self.validation is None or not history:
            return False
        best = max(report.epoch for report in history if report.best)
        return history[-1].epoch - best >= patience

    # --- an epoch ---------------------------------------------------------------------

    def _train_epoch(self, checkpoints: Checkpoints | None, interruption: Interruption) -> None:
        if self.step == self.steps_per_epoch:  # it was stopped before it could be judged
            return
        with contextlib.closing(self.batches()) as batches:
            while self.step < self.steps_per_epoch:
                began = time.perf_counter()
                self.take_step(batches)
                self.step += 1
                self.sums.train_s += time.perf_counter() - began
                report = self._step_report()
                for callback in self.callbacks:
                    callback.on_step(report)
                self.sums.seconds += time.perf_counter() - began
                if checkpoints is not None and (interruption.asked or checkpoints.due()):
                    self.save(checkpoints)
                    interruption.go_on()

    def batches(self) -> Generator[Batch, None, None]:
        """Begin with an epoch, or with the rest of it.

        Returns
        -------
        generator of (ndarray, ndarray)
            Its batches, for `take_step`.
        """
        self.weights_ahead = self._weights_of_steps()
        return self.loader.batches(self.epoch - 1, self.step * self.training.accumulate)

    def _weights_of_steps(self) -> list[float] | None:
        """Return how much the images of each step count, where a step has several batches."""
        if self.training.accumulate == 1:
            return None
        labels = self.loader.labels_of(self.epoch - 1)
        n = self.training.accumulate * self.training.batch_size
        return [self.objective.weight(labels[at : at + n]) for at in range(0, len(labels), n)]

    def _judge_epoch(self, checkpoints: Checkpoints | None, interruption: Interruption) -> None:
        """Validate, report, keep the best, and save."""
        self._check_weights()
        began = time.perf_counter()
        try:
            with interruption.leaves_at_once():
                judged = self._judged_state()
        except AskedToStop:
            self._save_and_go_on(checkpoints, interruption)
            return
        with in_place_of(self.model, judged):
            valid = self._validate(interruption)
            if valid is not None:
                report = self._epoch_report(valid, time.perf_counter() - began)
                self.classifier.history.append(report)
                for callback in self.callbacks:
                    callback.on_epoch(report, self.classifier)
        if valid is None:  # asked to end meanwhile; the epoch can be judged later
            self._save_and_go_on(checkpoints, interruption)
            return
        self._warn_of_divergence()
        self._warn_of_dead_units()
        if self.average is not None and self._averages_epochs():
            self.average.add(self.model)
        self.epoch, self.step = self.epoch + 1, 0
        self.sums = EpochSums(n_skipped=self.sums.n_skipped)
        self._save_and_go_on(checkpoints, interruption)

    def _save_and_go_on(self, checkpoints: Checkpoints | None, interruption: Interruption) -> None:
        if checkpoints is not None:
            self.save(checkpoints)
            interruption.go_on()

    def _validate(self, interruption: Interruption) -> Evaluation | None:
        """Return how well it does, NaN without a validation set; None if asked to end."""
        if self.validation is None:
            return Evaluation(0, math.nan, math.nan, np.zeros((0, 0), dtype=np.int64))
        try:
            with interruption.leaves_at_once():
                return self.classifier.evaluate(
                    self.validation,
                    loss=self.objective.loss,
                    # no more memory than a training step, which keeps what inference does not
                    batch_size=min(256, 4 * self.training.batch_size),
                )
        except AskedToStop:
            return None

    def _check_weights(self) -> None:
        """Demand finite weights before they are judged, kept or saved."""
        for name, array in self.model.state_dict().items():
            if not np.isfinite(array).all():
                where = f"those of {name} are the first; they are neither kept nor saved"
                place = f"step {self.step} of epoch {self.epoch}"
                raise astray("the weights are not finite", place, where, self.training.highest_lr)

    def _judged_state(self) -> State | None:
        """Return the weights to validate in place of those that are trained."""
        if self.average is None:
            return None
        if self.training.ema_decay is not None:
            return self.average.state
        if self.epoch < self.training.epochs:
            return None
        average = copy.deepcopy(self.average)
        average.add(self.model)
        batches = self.loader.batches(self.training.epochs)
        with in_place_of(self.model, average.state), contextlib.closing(batches):
            measure_statistics(self.model, (x for x, _ in batches))
            return self.model.state_dict()

    def _averages_epochs(self) -> bool:
        return self.epoch > self.training.epochs - self.training.swa_epochs

    def _step_report(self) -> StepReport:
        n = self.sums.n_images
        means = (self.sums.loss / n, self.sums.n_right / n) if n else (math.nan, math.nan)
        return StepReport(self.epoch, self.step, self.stepper.lr, n, *means)

    def _epoch_report(self, valid: Evaluation, judged_s: float) -> EpochReport:
        last = self._step_report()
        best = True
        if self.validation is not None:
            best = self.keeper.see(self.model, valid.accuracy, valid.loss)
        elif self.average is not None:  # the last weights are kept, averaged
            self.keeper.state = self.model.state_dict()
        return EpochReport(
            epoch=self.epoch,
            lr=last.lr,
            train_loss=last.loss,
            train_accuracy=last.accuracy,
            validation_loss=valid.loss,
            validation_accuracy=valid.accuracy,
            images_per_s=last.n_images / max(self.sums.train_s, 1e-9),
            seconds=self.sums.seconds + judged_s,
            best=best,
        )

    def _warn_of_divergence(self) -> None:
        """Warn where the loss is twice its lowest, and the rise is no small part of the first."""
        *before, now = (report.train_loss for report in self.classifier.history)
        finite = [loss for loss in before if math.isfinite(loss)]
        best = min(finite, default=math.inf)
        if now > 2 * best and now - best > _RISE * finite[0]:
            self.warn(
                f"the loss rose from {best:.3g} to {now:.3g}: the learning rate "
                f"{self.training.highest_lr:g} may be too high"
            )

    def _warn_of_dead_units(self) -> None:
        few = np.linspace(0, len(self.train) - 1, min(len(self.train), _LOOKED_AT)).astype(int)
        x = self.classifier.preprocessing.apply(self.train.read(few))
        try:
            found = dead_units(self.model, x)
        except Exception:  # a network that cannot be copied is not looked into; it goes on
            return
        for layer, n_dead, n in found:
            if n_dead > n / 2 and layer not in self.told_dead:
                self.told_dead.add(layer)
                self.warn(
                    f"{n_dead} of the {n} channels of {layer} are 0 for each of {len(x)} images, "
                    "and learn nothing: a smaller learning rate, or LeakyReLU, keeps them alive"
                )

    # --- a step -----------------------------------------------------------------------

    def take_step(self, batches: Iterator[Batch]) -> None:
        """Change the weights once.

        Parameters
        ----------
        batches : iterator of (ndarray, ndarray)
            Of the epoch, from the first batch of the step on.

        Raises
        ------
        TrainingError
            Where the loss is not finite, and that should stop it.
        """
        training, first = self.training, self.step * self.training.accumulate
        total = None if self.weights_ahead is None else self.weights_ahead[self.step]
        self.stepper.lr = self._lr()
        self.stepper.zero_grad()
        skips = training.on_nonfinite == "skip"
        buffers = [(b, b.copy()) for _, b in self.model.named_buffers()] if skips else []
        wrong = None
        for k in range(first, min(first + training.accumulate, len(self.loader))):
            x, y = next(batches)
            wrong = wrong or self._learn_from(x, y, k, total)
        wrong = wrong or self._check_gradients()
        if wrong is None:
            self.stepper.step()
            self.sums.n_skipped = 0
            if self.average is not None and training.ema_decay is not None:
                self.average.add(self.model)
            return
        if not skips:
            raise wrong
        for buffer, before in buffers:
            buffer[...] = before
        self._skip(wrong)

    def _learn_from(
        self, x: NDArray[Any], y: NDArray[np.int64], k: int, total: float | None
    ) -> TrainingError | None:
        """Add the gradients of batch k; return what is not finite of it."""
        chance = {name: g.bit_generator.state for name, g in self.model.named_generators()}
        targets: NDArray[Any] = y
        if self.training.mixing is not None:
            seeds = np.random.SeedSequence(
                self.training.seed, spawn_key=(_MIXING_STREAM, self.epoch, k)
            )
            wanted = self.objective.targets(y, x.dtype)
            x, targets = self.training.mixing(x, wanted, np.random.default_rng(seeds))
            y = targets.argmax(axis=1)
        scores, cache = self.model.forward(x, train=True)
        value, dscores = self.objective.measure(scores, targets, total)
        if not math.isfinite(value):
            where = where_it_began(self.model, x, scores, chance)
            return astray(f"the loss is {value}", self._place(k), where, self.training.highest_lr)
        self.model.backward_parameters(dscores, cache)
        self.sums.n_images += len(y)
        self.sums.n_right += int((scores.argmax(axis=1) == y).sum())
        self.sums.loss += value * len(y)
        return None

    def _check_gradients(self) -> TrainingError | None:
        """Shorten gradients that are too long; return what is not finite of them."""
        clip = self.training.clip_norm
        if clip is None and self.training.on_nonfinite == "stop":
            return None
        learning = [p for p in self.stepper.parameters if p.trainable and p.grad is not None]
        squares = (np.square(p.grad, dtype=np.float64).sum() for p in learning)  # type: ignore[arg-type]
        norm = math.sqrt(sum(map(float, squares)))
        if not math.isfinite(norm):
            names = (
                name
                for name, p in self.model.named_parameters()
                if p.grad is not None and not np.isfinite(p.grad).all()
            )
            name = next(names, "all of them together")
            where = f"that of {name} is the first in the network"
            return astray(
                "a gradient is not finite", self._place(None), where, self.training.highest_lr
            )
        if clip is not None and norm > clip:
            for p in learning:
                assert p.grad is not None
                p.grad = p.grad * p.grad.dtype.type(clip / norm)
        return None

    def _skip(self, wrong: TrainingError) -> None:
        self.stepper.zero_grad()
        self.sums.n_skipped += 1
        if self.sums.n_skipped == 1:
            self.warn(f"a step is left out: {wrong.given.removeprefix('training: ')}")
        if self.sums.n_skipped >= _MOST_SKIPPED:
            raise TrainingError(
                f"{wrong.given}; {_MOST_SKIPPED} steps in a row were left out",
                wrong.expected,
                f"use a smaller learning rate: lr={self.training.highest_lr / 10:.1g}",
            ) from wrong

    def _place(self, k: int | None) -> str:
        what = f"step {self.step + 1}" if k is None else f"batch {k + 1}"
        return f"{what} of epoch {self.epoch}"

    def _lr(self) -> float:
        if self.training.swa_lr is not None and self._averages_epochs():
            return self.training.swa_lr
        return self.schedule((self.epoch - 1) * self.steps_per_epoch + self.step)

    # --- saved, and gone on with --------------------------------------------------------

    def save(self, checkpoints: Checkpoints) -> None:
        """Write where the run stands.

        Parameters
        ----------
        checkpoints : Checkpoints
            Where to.

        Raises
        ------
        TrainingError
            Where the weights are not finite: there is nothing to go on with.
        CheckpointError
            Where it cannot be written.
        """
        self._check_weights()
        checkpoints.save(self.snapshot(self._identity()))

    def restore(self, snapshot: Snapshot, folder: Path) -> None:
        """Stand where a checkpoint was written.

        Parameters
        ----------
        snapshot : Snapshot
            The checkpoint.
        folder : pathlib.Path
            Where it lies, for messages.

        Raises
        ------
        CheckpointError
            Where it is of another run, or what it says cannot be.
        """
        other = difference(snapshot.identity, self._identity())
        if other is not None:
            raise CheckpointError(
                f"{folder}: the checkpoint is of another run: {other}",
                "the data, the network and the settings that it was written with",
                "go on with those, or train anew into another folder",
            )
        try:
            self.take_over(snapshot)
        except CONTRADICTIONS as error:
            raise CheckpointError(
                f"{folder}: the checkpoint contradicts itself: {type(error).__name__}: "
                f"{written(str(error).partition(chr(10))[0])}",
                "one as it was written",
                "train anew, into another folder",
            ) from error

    def _identity(self) -> dict[str, Any]:
        if self.identity is None:
            self.identity = identity_of(self.classifier, self.train, self.validation, self.training)
        return self.identity
