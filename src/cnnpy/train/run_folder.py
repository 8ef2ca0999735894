"""The folder of a training run: settings, numbers, the best model, checkpoints.

``run.toml`` is written before the first step; after each epoch a line of ``metrics.csv`` and,
where it is the best so far, ``model.safetensors``; ``checkpoints/`` holds what a run needs to go
on. An interrupted run leaves all that was reached.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import platform
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cnnpy.contract.errors import CheckpointError, DataError, OptionError
from cnnpy.disk import make_folder, remove_leftovers, whole_file
from cnnpy.nn.architecture import describe
from cnnpy.train.averages import in_place_of
from cnnpy.train.callbacks import Callback, FitPlan
from cnnpy.train.checkpoints import Checkpoints
from cnnpy.train.classifier import Classifier
from cnnpy.train.reports import EpochReport
from cnnpy.train.run_settings import RunSettings

__all__ = ["CONFIG", "METRICS", "MODEL", "RunFolder", "demand_empty", "new_folder"]

CONFIG, METRICS, MODEL = "run.toml", "metrics.csv", "model.safetensors"


class RunFolder(Callback):
    """Write what a training run reaches into a folder, as it goes.

    Parameters
    ----------
    path : str or pathlib.Path
        The folder; it is made, and must be empty if it is there.
    settings : RunSettings
        What the run is asked to do.
    record : mapping, optional
        What to tell of it beside, in ``run.toml``.
    every_s : float
        Seconds from one checkpoint to the next.
    keep : int
        How many checkpoints are kept.

    Attributes
    ----------
    checkpoints : Checkpoints
        Those of the run.

    Raises
    ------
    OptionError
        Where the folder has something in it, or cannot be made.
    """

    def __init__(
        self,
        path: str | Path,
        settings: RunSettings,
        record: Mapping[str, Any] | None = None,
        *,
        every_s: float = 60.0,
        keep: int = 2,
    ) -> None:
        self._hold(Path(path), settings, every_s, keep)
        self.record.update(record or {})
        if self.path.is_dir():
            remove_leftovers(self.path)
        demand_empty(self.path)
        try:
            make_folder(self.path)
        except OSError as error:
            raise OptionError(
                f"{self.path}: cannot be made: {error.strerror or error}",
                "a place where folders can be made",
                "use a folder below one that you may write to",
            ) from error
        self._write_settings()

    def _hold(self, path: Path, settings: RunSettings, every_s: float, keep: int) -> None:
        self.path = path
        self.settings = settings
        self.record: dict[str, Any] = {}
        self.checkpoints = Checkpoints(path / "checkpoints", every_s=every_s, keep=keep)

    @classmethod
    def of(cls, path: str | Path, *, every_s: float = 60.0, keep: int = 2) -> RunFolder:
        """Find the folder of a run that is to go on.

        Parameters
        ----------
        path : str or pathlib.Path
            The folder.
        every_s : float
            Seconds from one checkpoint to the next.
        keep : int
            How many checkpoints are kept.

        Returns
        -------
        RunFolder
            With the settings that stand in it.

        Raises
        ------
        DataError
            Where it is no folder of a run, or its settings cannot be read.
        """
        where = Path(path)
        if not (where / CONFIG).is_file():
            raise DataError(
                f"{path}: {'there is no ' + CONFIG if where.is_dir() else 'no such folder'}",
                "the folder of a run, as cnnpy train makes it",
                "give the folder that the run told: runs/digits-small_cnn, say",
            )
        folder = cls.__new__(cls)
        folder._hold(where, RunSettings.from_file(where / CONFIG), every_s, keep)
        return folder

    @property
    def model_path(self) -> Path:
        """Return where the best model lies."""
        return self.path / MODEL

    @property
    def metrics_path(self) -> Path:
        """Return where the numbers of each epoch lie."""
        return self.path / METRICS

    def on_start(self, plan: FitPlan) -> None:
        """Write the head of ``metrics.csv``, and what an earlier process had reached.

        Parameters
        ----------
        plan : FitPlan
            The run.

        Raises
        ------
        ModelFileError
            Where no file can hold the network: after hours it would be too late to say so.
        """
        describe(plan.classifier.model)
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(field.name for field in dataclasses.fields(EpochReport))
        writer.writerows(map(dataclasses.astuple, plan.classifier.history))
        with _in_words(self.path):
            remove_leftovers(self.path)
            with whole_file(self.metrics_path) as file:
                file.write(text.getvalue().encode())
        if plan.best_state is not None:
            with in_place_of(plan.classifier.model, plan.best_state):
                plan.classifier.save(self.model_path)

    def on_epoch(self, report: EpochReport, classifier: Classifier) -> None:
        """Add a line to ``metrics.csv``, and keep the model if it is the best so far."""
        with _in_words(self.path), self.metrics_path.open("a", newline="") as file:
            csv.writer(file).writerow(dataclasses.astuple(report))
        if report.best:
            classifier.save(self.model_path)

    def _write_settings(self) -> None:
        from cnnpy import __version__

        versions = {
            "cnnpy": __version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "machine": platform.machine(),
        }
        began = time.strftime("%Y-%m-%dT%H:%M:%S")
        record = {"began": began, **self.record, "versions": versions}
        text = self.settings.to_toml(CONFIG, record)
        with _in_words(self.path), whole_file(self.path / CONFIG) as file:
            file.write(text.encode())


@contextlib.contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Turn what the system says of a full disk, say, into an error of ours."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be written: {error.strerror or error}",
            "a folder that is there, can be written to, and has space",
            "make room, then go on from the last checkpoint: it is as it was",
        ) from error


def demand_empty(path: Path) -> None:
    """Demand a place where nothing is overwritten.

    Parameters
    ----------
    path : pathlib.Path
        The place.

    Raises
    ------
    OptionError
        Where there is a file, or a folder with something in it.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise OptionError(
            f"{path}: there is something already",
            "a new or empty folder: nothing is overwritten",
            f"use {_free_name(path)}",
        )


def new_folder(parent: Path, name: str) -> Path:
    """Return a folder below `parent` that is not there yet.

    Parameters
    ----------
    parent : pathlib.Path
        The folder of all runs.
    name : str
        What the run is called.

    Returns
    -------
    pathlib.Path
        ``parent/name``, or with a number behind.
    """
    return _free_name(parent / name) if (parent / name).exists() else parent / name


def _free_name(path: Path) -> Path:
    number = 2
    while path.with_name(f"{path.name}-{number}").exists():
        number += 1
    return path.with_name(f"{path.name}-{number}")
