"""The model that a command was given: its file, and what the run beside it tells."""

from __future__ import annotations

from pathlib import Path

from cnnpy.cli.output import shown
from cnnpy.contract.errors import CnnpyError, DataError
from cnnpy.train import Classifier, load
from cnnpy.train.run_folder import CONFIG
from cnnpy.train.run_settings import RunSettings, read_toml

__all__ = ["load_model", "model_file", "seed_beside"]


def model_file(path: Path) -> Path:
    """Return the model file that is meant: that of a run, where its folder was given."""
    inside = path / "model.safetensors"
    return inside if inside.is_file() else path


def load_model(path: Path) -> Classifier:
    """Load the model from its file or from the folder of its run."""
    return load(model_file(path))


def seed_beside(path: Path) -> int | None:
    """Return the seed of the run that a model comes from, None where it lies alone."""
    config = model_file(path).with_name(CONFIG)
    if not config.exists():
        return None
    expected = f"the {CONFIG} that cnnpy train wrote, which names the split of the data"
    mend = "name the split: --seed 0"
    try:
        settings = RunSettings.from_file(config)
        if "seed" in read_toml(config)["training"]:
            return settings.training.seed
    except (CnnpyError, KeyError) as error:
        given = error.given if isinstance(error, CnnpyError) else f"{shown(config)}: no [training]"
        raise DataError(given, expected, mend) from error
    raise DataError(f"{shown(config)}: its [training] has no seed", expected, mend)
