"""Checkpoints: all that it takes to go on with a training run to the same bits.

A checkpoint is one file, written whole (:mod:`cnnpy.train.array_file`); the one before is
removed after the new one is on the disk. What is damaged is passed over for the last good one,
and never overwritten. The loader and its augmentation need no state of their own: what is random
there follows from the seed, the epoch and the number of the batch.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cnnpy.contract.errors import CheckpointError
from cnnpy.contract.options import integer, real
from cnnpy.disk import remove_leftovers
from cnnpy.train import array_file
from cnnpy.train.reports import EpochReport

__all__ = ["Checkpoints", "Snapshot"]

FORMAT = "cnnpy-checkpoint-1"

_NAME = re.compile(r"step-(\d{9})\.safetensors")
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
        Where the files lie; it is made when the first is written.
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
            self.folder.mkdir(exist_ok=True)
            array_file.write(path, arrays, {"format": FORMAT, "state": json.dumps(state)})
            for old in [p for p in self.paths() if p != path][self.keep - 1 :]:
                old.unlink()
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
        for path in paths:
            try:
                return _read(path)
            except (array_file.DamagedError, OSError) as error:
                warn(f"{path} is passed over: {error}")
        if paths:
            raise CheckpointError(
                f"{self.folder}: none of its {len(paths)} checkpoints can be read",
                "at least one that is as it was written",
                "train anew, into another folder",
            )
        return None

    def tidy(self) -> None:
        """Remove what a process left that was killed while it wrote."""
        remove_leftovers(self.folder)


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
        state = json.loads(content.texts["state"])
        state["history"] = [EpochReport(**report) for report in state["history"]]
        snapshot = Snapshot(**state, arrays=arrays)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise array_file.DamagedError("it was written by another version of cnnpy") from error
    if set(arrays) - set(_PARTS) or not {"model", "optimizer"} <= set(arrays):
        raise array_file.DamagedError("it was written by another version of cnnpy")
    return snapshot
