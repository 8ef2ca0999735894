"""What a run is asked to do, as a TOML file says it: data, network and training."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from cnnpy.backends.registry import BACKENDS
from cnnpy.contract.errors import CnnpyError, DataError, OptionError
from cnnpy.contract.options import choice, integer, nearest, written
from cnnpy.data import DATASETS
from cnnpy.data.files import shown
from cnnpy.models import MODELS
from cnnpy.train.training import Training

__all__ = ["OTHER", "RunSettings", "read_toml", "recipe"]

OTHER = "other"
"""The recipe for data that has none of its own."""

RECORD = "record"
"""The table of a file that tells of a run, and asks for nothing."""

_LARGEST_BYTES = 1 << 20
_HEAD = "# cnnpy train --config {name}\n\n"


@dataclass(frozen=True)
class RunSettings:
    """What a run is asked to do.

    Parameters
    ----------
    data : str
        A name of :data:`cnnpy.data.DATASETS`, or a path.
    model : str
        A name of :data:`cnnpy.models.MODELS`.
    size : (int, int), optional
        Height and width that the images of a folder are resized to.
    backend : str, optional
        What computes; the fastest there is by default.
    training : Training
        How it is trained; its seed decides the split of the data too.

    Raises
    ------
    OptionError
        Where a value is out of its range.
    """

    data: str = "digits"
    model: str = "small_cnn"
    size: tuple[int, int] | None = None
    backend: str | None = None
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        where = "run"
        if not isinstance(self.data, str) or not self.data:
            raise OptionError(
                f"{where}: data={written(self.data)}",
                f"one of {', '.join(DATASETS)}, or a path",
                'use data="digits"',
            )
        choice(*MODELS)(where, "model", self.model)
        if self.backend is not None:
            choice(*BACKENDS)(where, "backend", self.backend)
        if self.size is not None:
            if not isinstance(self.size, (list, tuple)) or len(self.size) != 2:
                raise OptionError(
                    f"{where}: size={written(self.size)}",
                    "a height and a width",
                    "use size=[32, 32]",
                )
            height, width = (integer(1)(where, "size", side) for side in self.size)
            object.__setattr__(self, "size", (height, width))

    def to_toml(self, name: str, record: Mapping[str, Any]) -> str:
        """Write the settings as the text of a TOML file.

        Parameters
        ----------
        name : str
            What the file is called.
        record : mapping
            What to tell of the run beside.

        Returns
        -------
        str
            All that another run needs to do the same.
        """
        import tomli_w

        plain: dict[str, Any] = {"data": self.data, "model": self.model}
        if self.size is not None:
            plain["size"] = list(self.size)
        if self.backend is not None:
            plain["backend"] = self.backend
        plain |= {"training": self.training.to_dict(whole=True), RECORD: dict(record)}
        return _HEAD.format(name=name) + tomli_w.dumps(plain)

    @classmethod
    def from_file(cls, path: Path) -> RunSettings:
        """Read a TOML file, trusting nothing in it.

        Parameters
        ----------
        path : pathlib.Path
            The file.

        Returns
        -------
        RunSettings
            With the defaults for what is not there.

        Raises
        ------
        DataError
            Where the file cannot be read, or is no TOML.
        OptionError
            Where it asks for what there is not.
        """
        try:
            return cls.from_dict(read_toml(path))
        except OptionError as error:
            raise OptionError(
                f"{shown(path)}: {error.given}", error.expected, error.mend
            ) from error

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> RunSettings:
        """Make them of the tables of a TOML file."""
        known = [f.name for f in dataclasses.fields(cls)]
        options = {name: value for name, value in content.items() if name != RECORD}
        for name in options:
            if name not in known:
                hint = f"put it below [training]: {name}"
                if not _of_training(name):
                    hint = f"use {nearest(name, known)!r}"
                raise OptionError(
                    f"there is no setting {written(name)}", "one of " + ", ".join(known), hint
                )
        training = options.pop("training", {})
        if not isinstance(training, Mapping):
            raise OptionError(
                f"training = {written(training)}",
                "a table of options",
                "write [training] above them",
            )
        return cls(**options, training=Training.from_dict(training))


def read_toml(path: Path) -> dict[str, Any]:
    """Read the tables of a TOML file of a size that settings have.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    dict
        Its tables.

    Raises
    ------
    DataError
        Where it cannot be read, or is no TOML.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
        if len(content) > _LARGEST_BYTES:
            raise _unreadable(path, f"larger than {_LARGEST_BYTES} bytes")
        return tomllib.loads(content.decode("utf-8"))
    except CnnpyError:
        raise
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, str(error) or "nested too deeply") from error


def recipe(data: str) -> RunSettings:
    """Return what suits a data set.

    Parameters
    ----------
    data : str
        Its name in :data:`cnnpy.data.DATASETS`; anything else is of one's own.

    Returns
    -------
    RunSettings
        From ``train/recipes/<name>.toml``.

    Examples
    --------
    >>> recipe("digits").training.batch_size
    32
    """
    name = data if data in DATASETS else OTHER
    text = resources.files("cnnpy.train").joinpath("recipes", f"{name}.toml").read_text("utf-8")
    return RunSettings.from_dict({"data": data} | tomllib.loads(text))


def _of_training(name: str) -> bool:
    return name in {f.name for f in dataclasses.fields(Training)}


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(
        f"{shown(path)}: cannot be read: {' '.join(why.split())[:200]}",
        "a TOML file of settings, such as the run.toml of a run",
        "mend it, or get it again",
    )
