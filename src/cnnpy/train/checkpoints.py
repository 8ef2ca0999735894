"""Checkpoints: all that it takes to go on with a training run to the same bits.

A checkpoint is one file, written whole (:mod:`cnnpy.train.array_file`); the one before is
removed after the new one is on the disk. What is damaged is passed over for the last good one,
and kept under another name. The loader and its augmentation need no state of their own: what is
random there follows from the seed, the epoch and the number of the batch.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from cnnpy.contract.errors import CheckpointError
from cnnpy.contract.options import integer, real
from cnnpy.disk import make_folder, remove_leftovers
from cnnpy.train import array_file
from cnnpy.train.reports import EpochReport

__all__ = ["Checkpoints", "Snapshot", "typed"]

FORMAT = "cnnpy-checkpoint-1"

_NAME = re.compile(r"step-(\d{9})\.safetensors")
_DAMAGED = ".damaged"
_PARTS = ("model", "optimizer", "best", "average")


@dataclass
class Snapshot:
    """Where a training run stands, between two steps.

    Parameters
    ----------
    identity : mapping
        What the run is: a checkpoint of another run is refused.
    epoch, step : int
        The epoch (the first is 1) and how many of its steps are done.
    n_steps : int
        Steps since the beginning.
    progress : mapping
        Numbers of the epoch so far, of the best one and of the averages.
    generators : mapping
        The states of the sources of chance that layers have.
    history : list of EpochReport
        The epochs that are over.
    arrays : mapping of str to mapping of str to ndarray
        "model", "optimizer", and where there are such, "best" and "average".
    """

    identity: Mapping[str, Any]
    epoch: int
    step: int
    n_steps: int
    progress: Mapping[str, Any]
    generators: Mapping[str, Any]
    history: list[EpochReport]
    arrays: Mapping[str, Mapping[str, NDArray[Any]]] = field(repr=False)


class Checkpoints:
    """Save where a training run stands, now and then, and find the last of it again.

    Parameters
    ----------
    folder : str or pathlib.Path
        Where the files lie; `alone` makes it.
    every_s : float
        Seconds after which the next is written, in the middle of an epoch too; each epoch
        ends with one anyway.
    keep : int
        How many of the last are kept.

    Raises
    ------
    OptionError
        Where a number is out of its range.

    Examples
    --------
    >>> Checkpoints("runs/digits/checkpoints", every_s=30).paths()
    []
    """

    def __init__(self, folder: str | Path, *, every_s: float = 60.0, keep: int = 2) -> None:
        self.folder = Path(folder)
        self.every_s: float = real(0.0)("Checkpoints", "every_s", every_s)
        self.keep: int = integer(1)("Checkpoints", "keep", keep)
        self._saved_at = time.monotonic()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Make the folder, keep other processes from training into it, and tidy it up.

        What a process left that was killed while it wrote is removed.

        Raises
        ------
        CheckpointError
            Where another process does so already, or the folder cannot be made.
        """
        try:
            make_folder(self.folder)
            handle = os.open(self.folder, os.O_RDONLY)
        except OSError as error:
            raise CheckpointError(
                f"{self.folder}: cannot be made: {error.strerror or error}",
                "a place where folders can be made",
                "use a folder below one that you may write to",
            ) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CheckpointError(
                    f"{self.folder}: another process is training there",
                    "one process a run",
                    "wait until it is over, or end it",
                ) from error
            except OSError:  # a file system that has no locks
                pass
            remove_leftovers(self.folder)
            yield
        finally:
            os.close(handle)

    def due(self) -> bool:
        """Tell whether it is time for the next.

        Returns
        -------
        bool
            True where the last one is older than `every_s`.
        """
        return time.monotonic() - self._saved_at >= self.every_s

    def paths(self) -> list[Path]:
        """List the files that are there.

        Returns
        -------
        list of pathlib.Path
            The last first.
        """
        if not self.folder.is_dir():
            return []
        return sorted((p for p in self.folder.iterdir() if _NAME.fullmatch(p.name)), reverse=True)

    def save(self, snapshot: Snapshot) -> Path:
        """Write a checkpoint, then remove those that are too many.

        Parameters
        ----------
        snapshot : Snapshot
            What to write.

        Returns
        -------
        pathlib.Path
            Where it lies.

        Raises
        ------
        CheckpointError
            Where it cannot be written; what was there is there.
        """
        path = self.folder / f"step-{snapshot.n_steps:09d}.safetensors"
        arrays = {
            f"{part}/{name}": array
            for part, state in snapshot.arrays.items()
            for name, array in state.items()
        }
        state = dataclasses.asdict(dataclasses.replace(snapshot, arrays={}))
        del state["arrays"]
        try:
            array_file.write(path, arrays, {"format": FORMAT, "state": json.dumps(state)})
            for old in [p for p in self.paths() if p != path][self.keep - 1 :]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise CheckpointError(
                f"{path}: cannot be written: {error.strerror or error}",
                "a folder that is there, can be written to, and has space",
                f"make room, then go on from {_last(self.paths())}",
            ) from error
        self._saved_at = time.monotonic()
        return path

    def last(self, warn: Callable[[str], None]) -> Snapshot | None:
        """Read the last checkpoint that is good.

        Parameters
        ----------
        warn : callable of str
            Told of each one that is not.

        Returns
        -------
        Snapshot or None
            None where there is none at all.

        Raises
        ------
        CheckpointError
            Where there are some, and none is good.
        """
        paths = self.paths()
        damaged: list[Path] = []
        for path in paths:
            try:
                snapshot = _read(path)
            except (array_file.DamagedError, OSError) as error:
                warn(f"{path} is passed over: {error}")
                damaged.append(path)
                continue
            for other in damaged:
                other.rename(other.with_suffix(_DAMAGED))
            return snapshot
        if paths:
            raise CheckpointError(
                f"{self.folder}: none of its {len(paths)} checkpoints can be read",
                "at least one that is as it was written",
                "train anew, into another folder",
            )
        return None


def _last(paths: list[Path]) -> str:
    return str(paths[0]) if paths else "the beginning: there is none yet"


def _read(path: Path) -> Snapshot:
    content = array_file.read(path)
    if content.texts.get("format") != FORMAT or not content.signed:
        raise array_file.DamagedError("it is no checkpoint of cnnpy")
    arrays: dict[str, dict[str, NDArray[Any]]] = {}
    for name, array in content.arrays.items():
        part, _, rest = name.partition("/")
        arrays.setdefault(part, {})[rest] = array
    try:
        return _snapshot(json.loads(content.texts["state"]), arrays)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise array_file.DamagedError("it was written by another version of cnnpy") from error


def _snapshot(state: Any, arrays: dict[str, dict[str, NDArray[Any]]]) -> Snapshot:
    """Make a snapshot of what stands in a file, trusting nothing in it."""
    history = [typed(EpochReport, report) for report in state.pop("history")]
    snapshot = Snapshot(**state, history=history, arrays=arrays)
    numbers = (snapshot.epoch, snapshot.step, snapshot.n_steps)
    tables = (snapshot.identity, snapshot.progress, snapshot.generators)
    if not (
        all(type(n) is int and 0 <= n < 2**53 for n in numbers)
        and all(isinstance(table, dict) for table in tables)
        and {"model", "optimizer"} <= set(arrays) <= set(_PARTS)
        and [report.epoch for report in history] == list(range(1, len(history) + 1))
        and (not history or any(report.best for report in history))
    ):
        raise ValueError("it does not fit together")
    return snapshot


T = TypeVar("T")


def typed(kind: type[T], values: Mapping[str, Any]) -> T:
    """Make a dataclass of numbers and truths whose types are those that it declares.

    Parameters
    ----------
    kind : type
        The dataclass.
    values : mapping
        By its fields, as they stand in a file.

    Returns
    -------
    object
        Of that kind.

    Raises
    ------
    KeyError, TypeError
        Where a value is missing, is one too many, or is of another type.
    """
    for field_ in dataclasses.fields(kind):  # type: ignore[arg-type]
        wanted = {"int": (int,), "float": (int, float), "bool": (bool,)}[str(field_.type)]
        if type(values[field_.name]) not in wanted:
            raise TypeError(field_.name)
    return kind(**values)
