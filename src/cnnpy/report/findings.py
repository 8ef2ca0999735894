"""What a report shows of a run, computed once: figures, examples, maps, times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy import insight
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import MissingPackageError, OptionError
from cnnpy.data import ImageSource
from cnnpy.train import Classifier, RunRecord, load

__all__ = ["Findings", "Looks", "gather"]

_MOST_POINTS = 2000
_MOST_LOOKS = 8
_PROFILE_IMAGES = 32


@dataclass(frozen=True, eq=False)
class Looks:
    """A few images, one a class, and where in them the network looks.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
        As the data set holds them.
    labels, said : ndarray of shape (N,) of int64
        What they are and what they were taken for.
    saliency : ndarray of shape (N, H, W)
        See :func:`cnnpy.insight.saliency`, of the class that was said.
    grad_cam : ndarray of shape (N, H_layer, W_layer), optional
        See :func:`cnnpy.insight.grad_cam`; None for a network without maps.
    maps : dict of str to ndarray of shape (C_layer, H_layer, W_layer)
        What the layers make of the first image.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]
    said: NDArray[np.int64]
    saliency: FloatArray
    grad_cam: FloatArray | None
    maps: dict[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Findings:
    """All that a report shows of a run.

    Parameters
    ----------
    record : RunRecord
        What its folder tells.
    classifier : Classifier
        Its best model.
    profile : Profile
        Where the time of a training step goes.
    astray : bool
        Whether the network's scores are not finite, so that nothing can be said of images.
    dataset : ImageSource, optional
        The images that it was measured on; what follows is None without them.
    part : str
        What these images are called: ``"test"``.
    said : Predictions, optional
        What the classifier says of them.
    metrics : Metrics, optional
        How good that is.
    looks : Looks, optional
        Where it looks in some of them.
    points : Components, optional
        What it makes of them before it decides, in two dimensions; None without
        scikit-learn too.
    point_labels : ndarray of shape (N,), optional
        The classes of the points.
    """

    record: RunRecord
    classifier: Classifier
    profile: insight.Profile
    astray: bool = False
    dataset: ImageSource | None = None
    part: str = "test"
    said: insight.Predictions | None = None
    metrics: insight.Metrics | None = None
    looks: Looks | None = None
    points: insight.Components | None = None
    point_labels: NDArray[np.int64] | None = None


def gather(
    record: RunRecord, dataset: ImageSource | None = None, *, part: str = "test"
) -> Findings:
    """Compute all that a report shows of a run.

    Parameters
    ----------
    record : RunRecord
        The run.
    dataset : ImageSource, optional
        Images to measure it on.
    part : str
        What these images are called on the page.

    Returns
    -------
    Findings
        The figures.

    Raises
    ------
    ModelFileError
        Where the run has no model yet, or a damaged one.
    DataError
        Where the data set has other classes.
    """
    classifier = load(record.model_path)
    profile = insight.profile(classifier.model, _batch(classifier))
    if dataset is None or not len(dataset):
        return Findings(record, classifier, profile)
    said = insight.predictions(classifier, dataset)
    if np.isnan(said.log_probabilities).any():
        return Findings(record, classifier, profile, astray=True)
    found = insight.metrics(said.labels, said.probabilities, said.class_names)
    points, labels = _points(classifier, dataset)
    looks = _looks(classifier, dataset, said)
    return Findings(
        record, classifier, profile, False, dataset, part, said, found, looks, points, labels
    )


def _batch(classifier: Classifier) -> FloatArray:
    """Make a batch for the clock: what stands in it does not change the time."""
    preprocessing = classifier.preprocessing
    rng = np.random.default_rng(0)
    x: FloatArray = rng.standard_normal((_PROFILE_IMAGES, *preprocessing.shape))
    return x.astype(preprocessing.dtype)


def _points(
    classifier: Classifier, dataset: ImageSource
) -> tuple[insight.Components | None, NDArray[np.int64] | None]:
    n = min(len(dataset), _MOST_POINTS)
    if n < 2:
        return None, None
    chosen = np.linspace(0, len(dataset) - 1, n).round().astype(np.int64)
    try:
        rows = insight.embedding(classifier, dataset.read(chosen), white=dataset.white)
        found = insight.principal_components(rows)
    except (MissingPackageError, OptionError):  # no scikit-learn, or no Linear layer
        return None, None
    if found.points.shape[1] < 2:
        return None, None
    return found, np.asarray(dataset.labels)[chosen]


def _looks(classifier: Classifier, dataset: ImageSource, said: insight.Predictions) -> Looks:
    """Look at the first image of each of some classes."""
    _, first = np.unique(said.labels, return_index=True)
    chosen = first[:_MOST_LOOKS]
    images, white = dataset.read(chosen), dataset.white
    classes = said.classes[chosen]
    try:
        cam: FloatArray | None = insight.grad_cam(classifier, images, classes=classes, white=white)
    except OptionError:
        cam = None
    maps = insight.feature_maps(classifier, images[:1], white=white)
    return Looks(
        images=images,
        labels=said.labels[chosen],
        said=classes,
        saliency=insight.saliency(classifier, images, classes=classes, white=white),
        grad_cam=cam,
        maps={name: out[0] for name, out in maps.items()},
    )
