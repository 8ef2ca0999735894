"""The folder of a training run: metrics, configuration, the best model.

``config.json`` is written before the first step, a line of ``metrics.csv`` and,
where it is the best so far, ``model.safetensors`` after each epoch. An interrupted
run leaves all that was reached.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import platform
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cnnpy.contract.errors import DataError, OptionError
from cnnpy.train.callbacks import Callback, FitPlan
from cnnpy.train.classifier import Classifier
from cnnpy.train.reports import EpochReport

__all__ = ["RunFolder", "new_folder"]


class RunFolder(Callback):
    """Write what a training run reaches into a folder, as it goes.

    Parameters
    ----------
    path : str or pathlib.Path
        The folder; it is made, and must be empty if it is there.
    config : mapping
        What to record in ``config.json`` beside the versions.

    Raises
    ------
    OptionError
        Where the folder has something in it, or cannot be made.
    """

    def __init__(self, path: str | Path, config: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.config = dict(config)
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise OptionError(
                f"{self.path}: there is something already",
                "a new or empty folder: nothing is overwritten",
                f"use {_free_name(self.path)}",
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OptionError(
                f"{self.path}: cannot be made: {error.strerror or error}",
                "a place where folders can be made",
                "use a folder below one that you may write to",
            ) from error

    @property
    def model_path(self) -> Path:
        """Return where the best model lies."""
        return self.path / "model.safetensors"

    @property
    def metrics_path(self) -> Path:
        """Return where the numbers of each epoch lie."""
        return self.path / "metrics.csv"

    def on_start(self, plan: FitPlan) -> None:
        """Write ``config.json`` and the header of ``metrics.csv``."""
        from cnnpy import __version__

        versions = {
            "cnnpy": __version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "machine": platform.machine(),
        }
        content = self.config | {"began": time.strftime("%Y-%m-%dT%H:%M:%S"), "versions": versions}
        with _in_words(self.path):
            (self.path / "config.json").write_text(json.dumps(content, indent=2) + "\n")
            with self.metrics_path.open("w", newline="") as file:
                csv.writer(file).writerow(f.name for f in dataclasses.fields(EpochReport))

    def on_epoch(self, report: EpochReport, classifier: Classifier) -> None:
        """Add a line to ``metrics.csv``, and keep the model if it is the best so far."""
        with _in_words(self.path), self.metrics_path.open("a", newline="") as file:
            csv.writer(file).writerow(dataclasses.astuple(report))
        if report.best:
            classifier.save(self.model_path)


@contextlib.contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Turn what the system says of a full disk, say, into an error of ours."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written: {error.strerror or error}",
            "a folder that is there, can be written to, and has space",
            "make room and train anew; what was written so far is there",
        ) from error


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
