"""From the options of ``cnnpy train`` to the settings of a run."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnpy.cli.defaults import known_name
from cnnpy.contract.errors import OptionError
from cnnpy.contract.options import choice, integer, real
from cnnpy.models import MODELS
from cnnpy.optim import OPTIMIZERS, SCHEDULES
from cnnpy.train import Training
from cnnpy.train.run_settings import RunSettings, recipe
from cnnpy.train.training import DEFAULT_LR

__all__ = ["COMMAND", "Asked", "settings_of"]

COMMAND = "cnnpy train"


@dataclass(frozen=True)
class Asked:
    """What stands on the command line; None is what was not asked for."""

    data: str | None
    model: str | None
    epochs: int | None
    batch_size: int | None
    optimizer: str | None
    schedule: str | None
    lr: float | None
    weight_decay: float | None
    augment: bool | None
    size: str | None
    seed: int | None
    backend: str | None
    set: tuple[str, ...]

    def names(self) -> list[str]:
        """Return the options that were asked for, as they are written."""
        given = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return [f"--{n.replace('_', '-')}" for n, v in given.items() if v not in (None, ())]


def settings_of(asked: Asked, config: Path | None) -> tuple[RunSettings, bool]:
    """Put together the settings of a run.

    Parameters
    ----------
    asked : Asked
        The command line, which goes before all else.
    config : pathlib.Path or None
        A file of settings; the recipe of the data where there is none.

    Returns
    -------
    settings : RunSettings
        Of the run.
    usual : bool
        Whether images are to be changed in the way that suits their size.
    """
    if config is None:
        start = recipe(known_name(asked.data or "") or asked.data or RunSettings.data)
        usual = known_name(start.data) is None
    else:
        start, usual = RunSettings.from_file(config), False
    settings = dataclasses.replace(
        start,
        data=known_name(asked.data or start.data) or asked.data or start.data,
        model=_named(MODELS, "--model", asked.model, start.model),
        size=_size(asked.size) if asked.size is not None else start.size,
        backend=start.backend if asked.backend is None else asked.backend,
        training=_training(asked, start.training),
    )
    said = asked.augment is False or "augment" in dict(map(_split, asked.set))
    none_yet = start.training.augment is None
    return settings, none_yet and not said and (usual or asked.augment is True)


def _training(asked: Asked, start: Training) -> Training:
    wanted = _set(asked.set)
    named = asked.optimizer or str(wanted.get("optimizer", start.optimizer))
    optimizer = _named(OPTIMIZERS, "--optimizer", named, start.optimizer)
    other = {} if optimizer == start.optimizer else {"lr": None, "weight_decay": None}
    changes: dict[str, Any] = {"optimizer": optimizer, **other}
    changes["schedule"] = _named(SCHEDULES, "--schedule", asked.schedule, start.schedule)
    parsers = {
        "epochs": integer(1),
        "batch_size": integer(1),
        "weight_decay": real(0.0),
        "seed": integer(0),
    }
    for name, parse in parsers.items():
        value = getattr(asked, name)
        if value is not None:
            changes[name] = parse(COMMAND, f"--{name.replace('_', '-')}", value)
    if asked.augment is False:
        changes["augment"] = None
    training = start.with_options(**changes | dict(wanted))
    return training.with_options(lr=_learning_rate(asked.lr, training))


def _set(texts: tuple[str, ...]) -> Mapping[str, Any]:
    return {name: _value(name, text) for name, text in map(_split, texts)}


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise OptionError(
            f"{COMMAND}: --set={text!r}",
            "an option of the table [training] and its value: NAME=VALUE",
            "use --set ema_decay=0.999, say",
        )
    return name.strip(), value.strip()


def _value(name: str, text: str) -> Any:
    """Read a value as TOML has it; a word needs no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _named(table: Any, option: str, value: str | None, otherwise: str) -> str:
    if value is None:
        return otherwise
    name: str = choice(*table)(COMMAND, option, value)
    return name


def _learning_rate(lr: float | None, training: Training) -> float:
    if lr is None:
        return training.highest_lr
    if not (math.isfinite(lr) and lr > 0):
        usual = DEFAULT_LR[training.optimizer] if training.lr is None else training.lr
        raise OptionError(
            f"{COMMAND}: --lr={lr:g}", "a finite number above 0", f"use --lr={usual:g}"
        )
    return lr


def _size(text: str) -> tuple[int, int]:
    parts = text.lower().replace("x", ",").split(",")
    numbers = [int(part) if part.strip().isdecimal() else 0 for part in parts]
    if len(numbers) > 2 or min(numbers) < 1:
        raise OptionError(
            f"{COMMAND}: --size={text!r}",
            "a height and a width in pixels, or one number for both",
            "use --size=32 or --size=32,48",
        )
    return numbers[0], numbers[-1]
