"""``cnnpy predict``: the class of image files, a row each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.cells import cell_len

from cnnpy.cli.backend import BackendOption, on_backend
from cnnpy.cli.errors import told
from cnnpy.cli.model import ViewsOption, check_views, load_model
from cnnpy.cli.output import Page, shown
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import DataError
from cnnpy.contract.options import integer
from cnnpy.data import read_image
from cnnpy.train import Classifier
from cnnpy.written import percent

__all__ = ["predict"]

_COMMAND = "cnnpy predict"
_WHITE = 255.0  # of the images that read_image reads


def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="The model file, or the folder of its run.")
    ],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="The image files.")],
    top: Annotated[int, typer.Option(help="How many classes to name, likeliest first.")] = 1,
    views: ViewsOption = None,
    backend: BackendOption = None,
) -> None:
    """Name the class of images, with its probability."""
    integer(1)(_COMMAND, "--top", top)
    check_views(_COMMAND, views)
    page = Page()
    failed = 0
    with on_backend(backend):
        classifier = load_model(model)
        names = [shown(name) for name in classifier.class_names]
        left = max(cell_len(shown(path)) for path in images)
        right = max(map(cell_len, names))
        for path in images:
            try:
                probabilities = _probabilities(classifier, path, views)
            except DataError as error:  # one bad image does not keep the others from the user
                failed = told(error)
                continue
            best = np.argsort(-probabilities, kind="stable")[:top]
            cells = [f"{_fill(names[k], right)}  {percent(probabilities[k]):>8}" for k in best]
            page.say("  ".join([_fill(shown(path), left), *cells]))
    if failed:
        raise typer.Exit(failed)


def _probabilities(classifier: Classifier, path: Path, views: str | None) -> FloatArray:
    image = read_image(path, classifier.preprocessing.shape)
    one: FloatArray = classifier.predict_proba(image[np.newaxis], white=_WHITE, views=views)[0]
    return one


def _fill(text: str, width: int) -> str:
    """Fill up to a width in cells of the terminal, of which Korean letters take two."""
    return text + " " * (width - cell_len(text))
