"""How good a classifier is, in the figures of the field, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DataError, MissingPackageError, ShapeError
from cnnpy.data.dataset import check_labels
from cnnpy.train import confusion_of

__all__ = ["Metrics", "metrics", "roc_auc"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Metrics:
    """The figures of a classifier on a data set; NaN where a figure has no meaning.

    Parameters
    ----------
    class_names : tuple of str
        The K classes.
    confusion : ndarray of shape (K, K) of int64
        Images of each true class (rows) by predicted class (columns).
    top_k : dict of int to float
        The share of images whose class is among the k likeliest, by k.
    roc_auc : ndarray of shape (K,)
        The area under the curve of true by false positives, each class against the rest:
        NaN for a class that no image or every image has, and for all without scikit-learn.
    """

    class_names: tuple[str, ...]
    confusion: NDArray[np.int64]
    top_k: dict[int, float]
    roc_auc: Floats

    @property
    def support(self) -> NDArray[np.int64]:
        """Return how many images each class has."""
        support: NDArray[np.int64] = self.confusion.sum(axis=1)
        return support

    @property
    def n_images(self) -> int:
        """Return how many images there are."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Return the share of images that were classified right."""
        return float(_share(np.trace(self.confusion), self.confusion.sum()))

    @property
    def recall(self) -> Floats:
        """Return of each class's images the share that was found."""
        return _share(np.diag(self.confusion), self.confusion.sum(axis=1))

    @property
    def precision(self) -> Floats:
        """Return of the images taken for each class the share that is of it."""
        return _share(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def f1(self) -> Floats:
        """Return the harmonic mean of precision and recall: 2·TP / (2·TP + FP + FN)."""
        both = self.confusion.sum(axis=1) + self.confusion.sum(axis=0)
        return _share(2 * np.diag(self.confusion), both)

    def macro(self, name: str) -> float:
        """Return the mean of a figure over the classes that have it.

        Parameters
        ----------
        name : {"precision", "recall", "f1", "roc_auc"}
            Which figure.

        Returns
        -------
        float
            Each class counts the same, however many images it has; NaN where none has it.
        """
        values: Floats = getattr(self, name)
        there = values[~np.isnan(values)]
        return float(there.mean()) if len(there) else np.nan


def metrics(
    labels: Any, probabilities: Any, class_names: Sequence[str], *, k: Sequence[int] = (1, 5)
) -> Metrics:
    """Measure a classifier by what it says of images whose class is known.

    Parameters
    ----------
    labels : ndarray of shape (N,) of any integer type
        The class of each image.
    probabilities : ndarray of shape (N, K)
        What the classifier says; scores order classes as well.
    class_names : sequence of K str
        A name for each class.
    k : sequence of int
        For the top-k accuracies; those of K and more are left out.

    Returns
    -------
    Metrics
        Accuracy, top-k accuracies, precision, recall and F1 of each class, and, where
        scikit-learn is installed, the area under its ROC curve.

    Raises
    ------
    ShapeError
        Where the shapes do not fit together.
    DataError
        Where a label is out of range, or a probability NaN.

    Examples
    --------
    >>> p = [[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.3, 0.7]]
    >>> found = metrics(np.array([0, 0, 1, 1]), p, ("cat", "dog"))
    >>> found.accuracy, found.recall.tolist(), found.roc_auc.tolist()
    (0.5, [0.5, 0.5], [0.75, 0.75])
    """
    names = tuple(class_names)
    said = np.asarray(probabilities)
    truth = check_labels("metrics", np.asarray(labels), len(said))
    _check(truth, said, names)
    K = len(names)
    confusion = confusion_of(truth, said.argmax(axis=1), K)
    # how many classes are as likely as the true one: those before it stand before it in argmax
    own = said[np.arange(len(truth)), truth][:, np.newaxis]
    earlier = np.arange(K) < truth[:, np.newaxis]
    rank = ((said > own) | ((said == own) & earlier)).sum(axis=1)
    top = {n: float(_share((rank < n).sum(), len(rank))) for n in k if n == 1 or n < K}
    auc = roc_auc(truth, said) if find_spec("sklearn") else np.full(K, np.nan)
    return Metrics(names, confusion, top, auc)


def roc_auc(labels: Any, probabilities: Any) -> Floats:
    """Compute the area under the ROC curve of each class against the rest.

    Parameters
    ----------
    labels : ndarray of shape (N,) of any integer type
        The class of each image.
    probabilities : ndarray of shape (N, K)
        What a classifier says.

    Returns
    -------
    ndarray of shape (K,)
        The chance that an image of the class gets a higher probability of it than one of
        another class; NaN where there is none of either kind.

    Raises
    ------
    MissingPackageError
        Where scikit-learn is not installed.

    Examples
    --------
    >>> roc_auc(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]])).tolist()
    [0.5, 0.5]
    """
    try:
        from sklearn.metrics import roc_auc_score
    except ImportError as error:
        raise MissingPackageError(
            "roc_auc: scikit-learn is not installed",
            "scikit-learn, which computes the area under the curve",
            "pip install 'cnnpy[sklearn]'",
        ) from error
    truth, said = np.asarray(labels), np.asarray(probabilities)
    areas = np.full(said.shape[1], np.nan)
    for c in range(said.shape[1]):
        is_class = truth == c
        if is_class.any() and not is_class.all():
            areas[c] = roc_auc_score(is_class, said[:, c])
    return areas


def _share(part: Any, whole: Any) -> Floats:
    """Divide; a share of nothing is NaN."""
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    shares: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return shares


def _check(labels: NDArray[np.int64], said: NDArray[Any], names: tuple[str, ...]) -> None:
    K = len(names)
    if said.ndim != 2 or said.shape[1] != K:
        raise ShapeError(
            f"metrics: probabilities has shape {said.shape}; there are {K} class names",
            f"(N, {K}): one probability a class",
            "use probabilities.reshape(N, K)" if said.ndim != 2 else "name each class once",
        )
    wrong = (labels < 0) | (labels >= K)
    if wrong.any():
        at = int(wrong.argmax())
        raise DataError(
            f"metrics: labels[{at}] is {labels[at]}; there are {K} classes",
            f"labels from 0 to {K - 1}",
            "use labels - 1" if labels.min() == 1 else f"name the class {labels[at]}",
        )
    if np.isnan(said).any():
        at = int(np.isnan(said).any(axis=1).argmax())
        raise DataError(
            f"metrics: probabilities[{at}] holds NaN",
            "numbers that can be ordered",
            "train with a smaller learning rate: the network's weights are not finite",
        )
