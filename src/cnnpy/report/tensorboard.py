"""TensorBoard: the numbers and pictures of a run, for those who follow their runs there.

tensorboardX writes the files, without TensorFlow and without PyTorch.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from cnnpy import plot
from cnnpy.contract.errors import DataError, MissingPackageError
from cnnpy.contract.options import integer
from cnnpy.data import Dataset
from cnnpy.nn import Layer
from cnnpy.train import Callback, Classifier, EpochReport, FitPlan, StepReport

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Write what a training run reports into event files for TensorBoard.

    Scalars by epoch are ``loss/training``, ``loss/validation``, ``accuracy/training``,
    ``accuracy/validation``, ``epoch/lr`` and ``epoch/images_per_s``; by step ``step/loss`` and
    ``step/accuracy``, which are means over the epoch so far, and ``step/lr``. At the end come
    pictures of the first layer's filters and, with a data set, of the confusion matrix.

    Parameters
    ----------
    folder : str or pathlib.Path
        Where to: ``tensorboard --logdir`` of this folder, or of one above it, shows the run.
    dataset : Dataset, optional
        Images for the confusion matrix at the end: those of validation, say.
    every : int
        Of how many steps one is written.

    Raises
    ------
    MissingPackageError
        Where tensorboardX is not installed.
    DataError
        Where the folder cannot be written to.
    OptionError
        Where `every` is no positive integer.

    Examples
    --------
    >>> import pathlib, tempfile, cnnpy
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> small = cnnpy.data.digits().subset(range(64))
    >>> follow = TensorBoard(folder)
    >>> _ = cnnpy.train.fit(cnnpy.models.small_cnn(10), small, epochs=1, callbacks=[follow])
    >>> [path.name.startswith("events.out.tfevents") for path in folder.iterdir()]
    [True]
    """

    def __init__(
        self, folder: str | Path, *, dataset: Dataset | None = None, every: int = 10
    ) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise MissingPackageError(
                "TensorBoard: tensorboardX is not installed",
                "tensorboardX, which writes event files",
                "pip install 'cnnpy[tensorboard]'",
            ) from error
        self.every = integer(1)("TensorBoard", "every", every)
        self.folder = Path(folder)
        self.dataset = dataset
        try:
            self._writer: Any = SummaryWriter(str(self.folder))
        except OSError as error:
            raise DataError(
                f"TensorBoard: {self.folder}: cannot be written to: {error.strerror or error}",
                "a folder that can be made or written to",
                "name another folder",
            ) from error

    def on_start(self, plan: FitPlan) -> None:
        """Note how many steps an epoch has, and write the layers of the network."""
        self._steps_per_epoch = plan.n_steps_per_epoch
        text = str(plan.classifier.model.summary())
        self._writer.add_text("network", "".join(f"    {line}\n" for line in text.splitlines()))

    def on_step(self, report: StepReport) -> None:
        """Write the numbers of a step, where its turn has come."""
        if report.step % self.every:
            return
        at = (report.epoch - 1) * self._steps_per_epoch + report.step
        self._scalars(at, "step", loss=report.loss, accuracy=report.accuracy, lr=report.lr)

    def on_epoch(self, report: EpochReport, classifier: Classifier) -> None:
        """Write the numbers of an epoch, to the disk at once."""
        at = report.epoch
        self._scalars(at, "loss", training=report.train_loss, validation=report.validation_loss)
        self._scalars(
            at,
            "accuracy",
            training=report.train_accuracy,
            validation=report.validation_accuracy,
        )
        self._scalars(at, "epoch", lr=report.lr, images_per_s=report.images_per_s)
        self._writer.flush()

    def on_end(self, classifier: Classifier) -> None:
        """Write the pictures, and close the file."""
        at = classifier.history[-1].epoch if classifier.history else 0
        weights = _first_filters(classifier.model)
        if weights is not None:
            self._picture("filters", plot.filters(weights), at)
        if self.dataset is not None and len(self.dataset):
            result = classifier.evaluate(self.dataset)
            self._picture("confusion", plot.confusion(result, classifier.class_names), at)
        self._writer.close()

    def _scalars(self, at: int, group: str, **values: float) -> None:
        for name, value in values.items():
            if not math.isnan(value):  # no validation set
                self._writer.add_scalar(f"{group}/{name}", value, at)

    def _picture(self, name: str, figure: Any, at: int) -> None:
        self._writer.add_image(name, plot.pixels(figure), at, dataformats="HWC")


def _first_filters(model: Layer) -> Any:
    return next((p.value for p in model.parameters() if p.value.ndim == 4), None)
