"""What a classifier says of a data set, image by image, and where it is most wrong."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import DataError
from cnnpy.contract.options import integer
from cnnpy.data import ImageSource
from cnnpy.data.views import Views
from cnnpy.nn.inference import finite_log, log_probabilities_of
from cnnpy.train import Classifier, confusion_of

__all__ = [
    "Confusion",
    "Mistake",
    "Predictions",
    "confusions",
    "mistakes",
    "predictions",
]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a classifier says of each image of a data set.

    Parameters
    ----------
    labels : ndarray of shape (N,) of int64
        What each image is.
    log_probabilities : ndarray of shape (N, K)
        The logarithm of the probability of each class.
    class_names : tuple of str
        The K classes.
    """

    labels: NDArray[np.int64]
    log_probabilities: FloatArray
    class_names: tuple[str, ...]

    @functools.cached_property
    def probabilities(self) -> FloatArray:
        """Return the probability of each class, of shape (N, K)."""
        return np.exp(self.log_probabilities)

    @functools.cached_property
    def classes(self) -> NDArray[np.int64]:
        """Return the class that is said of each image, of shape (N,)."""
        classes: NDArray[np.int64] = self.log_probabilities.argmax(axis=1)
        return classes

    @functools.cached_property
    def losses(self) -> FloatArray:
        """Return the cross-entropy of each image, ``-log p(label)``, of shape (N,)."""
        losses: FloatArray = -self.log_probabilities[np.arange(len(self.labels)), self.labels]
        return losses

    @functools.cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Count images of each true class (rows) by predicted class (columns)."""
        return confusion_of(self.labels, self.classes, len(self.class_names))


@dataclass(frozen=True)
class Mistake:
    """An image that was taken for another class.

    Parameters
    ----------
    index : int
        Its place in the data set.
    label, predicted : int
        What it is, what it was taken for.
    probability : float
        The probability of the class that it was taken for.
    probability_of_label : float
        The probability of the class that it is.
    loss : float
        ``-log probability_of_label``.
    """

    index: int
    label: int
    predicted: int
    probability: float
    probability_of_label: float
    loss: float


@dataclass(frozen=True)
class Confusion:
    """Images of one class that were taken for another.

    Parameters
    ----------
    label, predicted : int
        What they are, what they were taken for.
    n_images : int
        How many.
    example : int
        The place in the data set of the one with the highest loss.
    """

    label: int
    predicted: int
    n_images: int
    example: int


def predictions(
    classifier: Classifier,
    dataset: ImageSource,
    *,
    batch_size: int = 256,
    views: Views | None = None,
) -> Predictions:
    """Let a classifier say what each image of a data set is.

    Parameters
    ----------
    classifier : Classifier
        Who says it.
    dataset : ImageSource
        Images with their classes; those that are not in memory are read as they come.
    batch_size : int
        Images at a time.
    views : str or sequence of callable, optional
        Test-time augmentation, as in :meth:`cnnpy.train.Classifier.predict_proba`.

    Returns
    -------
    Predictions
        The classes that the images have, and the probabilities of all.

    Raises
    ------
    DataError
        Where the data set has other classes than the classifier.
    ShapeError
        Where its images have another shape.

    Examples
    --------
    >>> import cnnpy
    >>> parts = cnnpy.data.split(cnnpy.data.digits(), seed=0)
    >>> small = parts.train.subset(range(64))
    >>> classifier = cnnpy.train.fit(cnnpy.models.small_cnn(10), small, epochs=1)
    >>> said = predictions(classifier, small)
    >>> said.probabilities.shape, int(said.confusion.sum())
    ((64, 10), 64)
    """
    if dataset.class_names != classifier.class_names:
        raise DataError(
            f"predictions: the data set {dataset.name!r} has {dataset.n_classes} classes, "
            f"{', '.join(dataset.class_names[:3])} and so on",
            f"those of the classifier: {', '.join(classifier.class_names[:3])} and so on",
            "use a data set with the same classes in the same order",
        )
    step = integer(1)("predictions", "batch_size", batch_size)
    N = len(dataset)
    rows = [
        _log_probabilities(
            classifier, dataset.read(range(k, min(k + step, N))), dataset.white, step, views
        )
        for k in range(0, max(N, 1), step)
    ]
    return Predictions(np.asarray(dataset.labels), np.concatenate(rows), classifier.class_names)


def _log_probabilities(
    classifier: Classifier,
    images: NDArray[Any],
    white: float,
    batch_size: int,
    views: Views | None,
) -> FloatArray:
    """Take the logarithm of the softmax of scores, or of what stands in place of these."""
    if views is not None:
        p = classifier.predict_proba(images, white=white, batch_size=batch_size, views=views)
        return finite_log(p)
    out = classifier.scores(images, white=white, batch_size=batch_size)
    return log_probabilities_of(classifier.model, out)


def mistakes(said: Predictions, n: int = 16) -> list[Mistake]:
    """List the images of which a classifier was most wrong.

    Parameters
    ----------
    said : Predictions
        What :func:`predictions` gives.
    n : int
        How many at most; there may be fewer.

    Returns
    -------
    list of Mistake
        The highest loss first, then as the data set has them; images that were classified
        right are none.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> said = Predictions(np.array([0, 0, 1]), np.log(p), ("cat", "dog"))
    >>> [(m.index, m.label, m.predicted, round(m.probability, 3)) for m in mistakes(said)]
    [(1, 0, 1, 0.8), (2, 1, 0, 0.6)]
    """
    n = integer(1)("mistakes", "n", n)
    classes, losses = said.classes, said.losses
    wrong = np.flatnonzero(classes != said.labels)
    worst = wrong[np.argsort(-losses[wrong], kind="stable")][:n]
    return [
        Mistake(
            index=int(k),
            label=int(said.labels[k]),
            predicted=int(classes[k]),
            probability=float(np.exp(said.log_probabilities[k, classes[k]])),
            probability_of_label=float(np.exp(-losses[k])),
            loss=float(losses[k]),
        )
        for k in worst
    ]


def confusions(said: Predictions, n: int = 6) -> list[Confusion]:
    """List which classes are most often taken for which.

    Parameters
    ----------
    said : Predictions
        What :func:`predictions` gives.
    n : int
        How many pairs of classes at most.

    Returns
    -------
    list of Confusion
        The most frequent first, then in the order of the classes.

    Examples
    --------
    >>> p = np.array([[0.1, 0.9], [0.2, 0.8], [0.6, 0.4]])
    >>> said = Predictions(np.array([0, 0, 1]), np.log(p), ("cat", "dog"))
    >>> [(c.label, c.predicted, c.n_images, c.example) for c in confusions(said)]
    [(0, 1, 2, 0), (1, 0, 1, 2)]
    """
    n = integer(1)("confusions", "n", n)
    counts = said.confusion.copy()
    np.fill_diagonal(counts, 0)
    K = len(counts)
    order = np.argsort(-counts, axis=None, kind="stable")[:n]
    pairs = [(int(k) // K, int(k) % K) for k in order]
    return [
        Confusion(i, j, int(counts[i, j]), _worst(said, i, j)) for i, j in pairs if counts[i, j]
    ]


def _worst(said: Predictions, label: int, predicted: int) -> int:
    there = np.flatnonzero((said.labels == label) & (said.classes == predicted))
    return int(there[said.losses[there].argmax()])
