"""Mistakes: the images of which a classifier was most wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnpy import insight
from cnnpy.data import ImageSource
from cnnpy.plot.images import rgb, short
from cnnpy.plot.tiles import Tile, tiles
from cnnpy.train import Classifier
from cnnpy.written import whole_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["mistakes"]

_COLUMNS = 6
_LONGEST_NAME = 14


def mistakes(
    classifier: Classifier,
    dataset: ImageSource,
    n: int = 18,
    *,
    said: insight.Predictions | None = None,
) -> Figure:
    """Draw the images of which a classifier was most wrong, by their loss.

    Parameters
    ----------
    classifier : Classifier
        Who was wrong.
    dataset : ImageSource
        Images with their classes.
    n : int
        How many at most.
    said : Predictions, optional
        What `insight.predictions` gave for these two, where it is there already.

    Returns
    -------
    matplotlib.figure.Figure
        Each image with its true class and what it was taken for, with which probability;
        :func:`save` writes it.

    Raises
    ------
    DataError
        Where the data set has other classes.
    MissingPackageError
        Where matplotlib is not installed.
    """
    said = insight.predictions(classifier, dataset) if said is None else said
    found = insight.mistakes(said, n)
    names = [short(name, _LONGEST_NAME) for name in classifier.class_names]
    images = dataset.read([one.index for one in found])
    shown = [
        Tile(
            rgb(image, dataset.white),
            (
                f"is {names[one.label]} ({whole_percent(one.probability_of_label)})",
                f"said {names[one.predicted]} ({whole_percent(one.probability)})",
            ),
        )
        for one, image in zip(found, images, strict=True)
    ]
    n_wrong = int((said.classes != said.labels).sum())
    title = f"{n_wrong:,} of {len(said.labels):,} images wrong" + (
        f", the worst {len(found)} (by loss)" if n_wrong > len(found) else ""
    )
    return tiles(title, shown, _COLUMNS)
