"""A run that is over, or goes on: what its folder tells of it.

The folder may come from elsewhere, or from a run that was cut off in the middle of a line:
nothing in it is taken for true before it is held against what a run writes.
"""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnpy.contract.errors import DataError, MissingDataError
from cnnpy.data.files import shown
from cnnpy.train.reports import EpochReport
from cnnpy.train.run_folder import CONFIG, METRICS, MODEL
from cnnpy.train.run_settings import read_toml

__all__ = ["RunRecord", "read_metrics", "read_run"]

_MOST_BYTES = 1 << 26


@dataclass(frozen=True)
class RunRecord:
    """What the folder of a run tells.

    Parameters
    ----------
    path : pathlib.Path
        The folder.
    config : dict
        What its ``run.toml`` holds: ``data``, ``model`` and so on, and the tables
        ``training`` (its settings) and ``record`` (versions, and when it began).
    history : list of EpochReport
        Its epochs so far, the first first; empty before the first is over.
    model_path : pathlib.Path
        Where the best model lies, once there is one.
    """

    path: Path
    config: dict[str, Any]
    history: list[EpochReport]
    model_path: Path

    @property
    def name(self) -> str:
        """Return what the run is called: its folder."""
        return self.path.resolve().name or str(self.path)

    @property
    def best(self) -> EpochReport | None:
        """Return the epoch whose weights are kept, None before there is one."""
        best = [report for report in self.history if report.best]
        return best[-1] if best else (self.history[-1] if self.history else None)

    @property
    def seconds(self) -> float:
        """Return how long the epochs took together."""
        return sum(report.seconds for report in self.history)

    @property
    def data(self) -> str | None:
        """Return what the run learned from, None where it does not say."""
        data = self.config.get("data")
        return data if isinstance(data, str) else None

    @property
    def seed(self) -> int:
        """Return the seed, which also names the split of the data; 0 where none is told."""
        training = self.config.get("training")
        seed = training.get("seed", 0) if isinstance(training, dict) else 0
        return seed if type(seed) is int and seed >= 0 else 0

    @property
    def size(self) -> tuple[int, int] | None:
        """Return the size that images of a folder were brought to, None for their own."""
        size = self.config.get("size")
        if isinstance(size, list) and len(size) == 2 and all(type(n) is int for n in size):
            return size[0], size[1]
        return None


def read_run(path: str | os.PathLike[str]) -> RunRecord:
    r"""Read what the folder of a run tells of it.

    Parameters
    ----------
    path : path
        The folder, as ``cnnpy train`` or :class:`RunFolder` made it; the run may still go on.

    Returns
    -------
    RunRecord
        Settings, epochs, and where the model lies; the model itself is not read.

    Raises
    ------
    MissingDataError
        Where there is no such folder.
    DataError
        Where it is no run's, or a file of it is cut off or damaged.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "run.toml").write_text('data = "digits"\n[training]\nseed = 3')
    >>> record = read_run(folder)
    >>> record.data, record.seed, record.history
    ('digits', 3, [])
    """
    folder = Path(path)
    if not folder.is_dir():
        raise MissingDataError(
            f"{shown(folder)}: {'a file' if folder.exists() else 'there is no such folder'}",
            "the folder of a run, as cnnpy train makes it",
            f"use {shown(folder.parent)}"
            if folder.name in (CONFIG, METRICS, MODEL) and folder.is_file()
            else "check the path: ls runs",
        )
    if not (folder / CONFIG).is_file():
        below = sorted(entry.parent for entry in folder.glob(f"*/{CONFIG}"))
        raise DataError(
            f"{shown(folder)}: no run: it has no {CONFIG}",
            f"the folder of a run, with {CONFIG} and {METRICS}",
            f"use {shown(below[0])}" if below else "give a folder that cnnpy train made",
        )
    history = read_metrics(folder / METRICS) if (folder / METRICS).is_file() else ()
    return RunRecord(folder, read_toml(folder / CONFIG), list(history), folder / MODEL)


def _text(path: Path) -> str:
    """Read a file of text; what is larger than any run writes is none of ours."""
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise DataError(
            f"{shown(path)}: more than {_MOST_BYTES:,} bytes",
            f"the {METRICS} that a run wrote",
            "get the file again",
        )
    return content.decode("utf-8")


# --- the epochs --------------------------------------------------------------------------


def read_metrics(path: str | os.PathLike[str]) -> tuple[EpochReport, ...]:
    r"""Read the epochs that a run folder's ``metrics.csv`` holds.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    tuple of EpochReport
        In their order.

    Raises
    ------
    MissingDataError
        Where there is no such file.
    DataError
        Where it is no such table, or a line of it is cut off.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "metrics.csv"
    >>> header = "epoch,lr,train_loss,train_accuracy,validation_loss,validation_accuracy,"
    >>> _ = path.write_text(header + "images_per_s,seconds,best\n1,.1,2,.5,2,.5,900,1,True\n")
    >>> read_metrics(path)[0].train_accuracy
    0.5
    """
    path = Path(path)
    try:
        lines = _text(path).splitlines()
        rows = csv.DictReader(lines)
        if lines and tuple(rows.fieldnames or ()) != tuple(_COLUMNS):
            raise _no_epoch(path, 1, lines[0])
        return tuple(_report(path, number, row, lines) for number, row in enumerate(rows, start=2))
    except FileNotFoundError:
        raise MissingDataError(
            f"{shown(path)}: no such file",
            "the metrics.csv of a run folder",
            "train first: cnnpy train digits",
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{shown(path)}: cannot be read: {getattr(error, 'strerror', None) or error}",
            "the metrics.csv of a run folder",
            f"use {shown(path / METRICS)}" if path.is_dir() else "give the metrics.csv of a run",
        ) from error


_PARSERS: Mapping[str, Callable[[str], float | bool]] = {
    "int": int,
    "float": float,
    "bool": {"True": True, "False": False}.__getitem__,
}
_COLUMNS = {field.name: _PARSERS[str(field.type)] for field in dataclasses.fields(EpochReport)}


def _report(path: Path, number: int, row: Mapping[str, str], lines: list[str]) -> EpochReport:
    try:
        if set(row) != set(_COLUMNS):
            raise KeyError("more values than columns")
        values = {name: parse(row[name]) for name, parse in _COLUMNS.items()}
        return EpochReport(**values)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        line = lines[number - 1] if number <= len(lines) else ""
        raise _no_epoch(path, number, line, last=number == len(lines)) from error


def _no_epoch(path: Path, number: int, line: str, *, last: bool = False) -> DataError:
    cut = last and line.count(",") <= len(_COLUMNS) - 1
    return DataError(
        f"{shown(path)}: line {number} is no epoch: {ascii(line)[:80]}",
        f"the columns {', '.join(_COLUMNS)}",
        f"it was cut off: go on with the run (cnnpy train --resume), or delete line {number}"
        if cut and number > 1
        else "give the metrics.csv that a run wrote",
    )
