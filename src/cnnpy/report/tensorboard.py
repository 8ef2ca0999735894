"""TensorBoard: the numbers and pictures of a run, for those who follow their runs there.

tensorboardX writes the files, without TensorFlow and without PyTorch.
"""

from __future__ import annotations

import math
import secrets
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cnnpy import plot
from cnnpy.contract.errors import DataError, MissingPackageError
from cnnpy.contract.options import integer
from cnnpy.data import ImageSource
from cnnpy.train import Callback, Classifier, EpochReport, FitPlan, StepReport

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Write what a training run reports into event files for TensorBoard.

    Scalars by epoch are ``loss/training``, ``loss/validation``, ``accuracy/training``,
    ``accuracy/validation``, ``epoch/lr`` and ``epoch/images_per_s``; by step ``step/loss`` and
    ``step/accuracy``, which are means over the epoch so far, and ``step/lr``. At the end come
    pictures of the first layer's filters and, with a data set, of the confusion matrix. A run
    that goes on writes a file beside the earlier ones, with the numbers going on.

    Parameters
    ----------
    folder : str or pathlib.Path
        Where to: ``tensorboard --logdir`` of this folder, or of one above it, shows the run.
    dataset : ImageSource, optional
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
        self, folder: str | Path, *, dataset: ImageSource | None = None, every: int = 10
    ) -> None:
        self.every = integer(1)("TensorBoard", "every", every)
        self.folder = Path(folder)
        self.dataset = dataset
        self._events = _Events(self.folder)
        self._steps_per_epoch = self._step = 0

    def on_start(self, plan: FitPlan) -> None:
        """Note how many steps an epoch has, and write the layers of the network."""
        self._steps_per_epoch = plan.n_steps_per_epoch
        text = str(plan.classifier.model.summary())
        self._events.write(0, "text", "network", "".join(f"    {t}\n" for t in text.splitlines()))

    def on_step(self, report: StepReport) -> None:
        """Write the numbers of a step, where its turn has come."""
        self._step = at = (report.epoch - 1) * self._steps_per_epoch + report.step
        if report.step % self.every:
            return
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
        self._events.flush()

    def on_warning(self, text: str) -> None:
        """Write a warning, at the step at which it came."""
        self._events.write(self._step, "text", "warnings", text)

    def on_end(self, classifier: Classifier) -> None:
        """Write the pictures, and close the file."""
        at = classifier.history[-1].epoch if classifier.history else 0
        first = plot.first_filters(classifier.model)
        if first is not None:
            self._picture("filters", plot.filters(first[1]), at)
        if self.dataset is not None and len(self.dataset):
            result = classifier.evaluate(self.dataset)
            self._picture("confusion", plot.confusion(result, classifier.class_names), at)
        self._events.close()

    def _scalars(self, at: int, group: str, **values: float) -> None:
        for name, value in values.items():
            if not math.isnan(value):  # no validation set
                self._events.write(at, "scalar", f"{group}/{name}", value)

    def _picture(self, name: str, figure: Any, at: int) -> None:
        self._events.write(at, "image", name, plot.pixels(figure), dataformats="HWC")


class _Events:
    """An event file, to which this thread writes itself: what was flushed is on the disk.

    tensorboardX's own SummaryWriter hands events to a thread through a queue between
    processes, and its flush does not wait for them.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboardX import summary
            from tensorboardX.event_file_writer import EventsWriter
            from tensorboardX.proto.event_pb2 import Event
        except ImportError as error:
            raise MissingPackageError(
                "TensorBoard: tensorboardX is not installed",
                "tensorboardX, which writes event files",
                "pip install 'cnnpy[tensorboard]'",
            ) from error
        self._summary: Any = summary
        self._event: Any = Event
        self.folder = folder
        own = f".{secrets.token_hex(4)}"  # of runs that begin in one second none is overwritten
        with self._in_words():
            folder.mkdir(parents=True, exist_ok=True)
            self._writer: Any = EventsWriter(str(folder / "events"), own)
        # once: at the end of the run, or when a run that broke off forgets its callbacks
        self._close = weakref.finalize(self, self._writer.close)

    def write(self, at: int, kind: str, name: str, value: Any, **options: Any) -> None:
        made = getattr(self._summary, kind)(name, value, **options)
        with self._in_words():
            self._writer.write_event(self._event(wall_time=time.time(), step=at, summary=made))

    def flush(self) -> None:
        with self._in_words():
            self._writer.flush()

    def close(self) -> None:
        with self._in_words():
            self._close()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(
                f"TensorBoard: {self.folder}: cannot be written to: {error.strerror or error}",
                "a folder that can be made or written to, with space",
                "name another folder, or make room",
            ) from error
