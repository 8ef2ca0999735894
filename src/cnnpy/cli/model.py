"""The model that a command was given: its file, the run beside it, how it looks at images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cnnpy.cli.output import shown
from cnnpy.contract.errors import DataError
from cnnpy.contract.options import choice
from cnnpy.data import VIEWS
from cnnpy.train import Classifier, load
from cnnpy.train.run_folder import CONFIG, MODEL
from cnnpy.train.run_settings import read_toml

__all__ = ["ViewsOption", "check_views", "load_model", "model_file", "seed_beside"]

ViewsOption = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(VIEWS),
        help="Average over each image, its mirror image or its shifts by a pixel.",
        show_default="the image as it is",
    ),
]


def check_views(command: str, views: str | None) -> None:
    """Demand views that have a name."""
    if views is not None:
        choice(*VIEWS)(command, "--views", views)


def model_file(path: Path) -> Path:
    """Return the model file that is meant: that of a run, where its folder was given."""
    inside = path / MODEL
    return inside if inside.is_file() else path


def load_model(path: Path) -> Classifier:
    """Load the model from its file or from the folder of its run."""
    return load(model_file(path))


def seed_beside(path: Path) -> int | None:
    """Return the seed of the run that a model comes from, None where it lies alone."""
    config = model_file(path).with_name(CONFIG)
    if not config.exists():
        return None
    try:
        training: Any = read_toml(config).get("training")
    except DataError as error:
        raise DataError(error.given, error.expected, "name the split: --seed 0") from error
    seed = training.get("seed") if isinstance(training, dict) else None
    if type(seed) is not int or seed < 0:
        raise DataError(
            f"{shown(config)}: its [training] has no seed",
            f"the {CONFIG} that cnnpy train wrote, which names the split of the data",
            "name the split: --seed 0",
        )
    return seed
