"""Classifier: a network with all that it takes to use it on images as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import DataError, ShapeError
from cnnpy.contract.options import integer
from cnnpy.data import ImageSource, Loader, Preprocessing
from cnnpy.data.views import View, Views, find_views, seen
from cnnpy.nn import Layer, Loss, SoftmaxCrossEntropy
from cnnpy.nn.inference import finite_log
from cnnpy.train import model_file
from cnnpy.train.reports import EpochReport

__all__ = ["Classifier", "Evaluation", "confusion_of", "load"]


@dataclass(frozen=True)
class Evaluation:
    """How well a classifier does on a data set.

    Parameters
    ----------
    n_images : int
        Images in the data set.
    accuracy : float
        The share that was classified right, 0 to 1; NaN without images.
    loss : float
        The mean loss; NaN without images.
    confusion : ndarray of shape (K, K) of int64
        Images of each true class (rows) by predicted class (columns).
    """

    n_images: int
    accuracy: float
    loss: float
    confusion: NDArray[np.int64]


@dataclass
class Classifier:
    """A network with its preprocessing and the names of its classes.

    Parameters
    ----------
    model : Layer
        The network, built.
    preprocessing : Preprocessing
        From images as the data set holds them to what the network takes.
    class_names : tuple of str
        In the order of the scores.
    history : list of EpochReport
        What training reported, epoch by epoch.
    """

    model: Layer
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    history: list[EpochReport] = field(default_factory=list)

    def __post_init__(self) -> None:
        shape = self.model.output_shape(self.preprocessing.shape)
        if shape != (len(self.class_names),):
            raise ShapeError(
                f"Classifier: the network returns {shape} an image; "
                f"there are {len(self.class_names)} class names",
                "one score a class",
                f"end the network with Linear({len(self.class_names)})",
            )

    def scores(
        self, images: NDArray[Any], *, white: float | None = None, batch_size: int = 256
    ) -> FloatArray:
        """Compute the scores of images of any number.

        Parameters
        ----------
        images : ndarray of shape (N, C, H, W)
            As the data set holds them: bytes, most often.
        white : float, optional
            Their value of full brightness; that of the training images by default.
        batch_size : int
            Images at a time.

        Returns
        -------
        ndarray of shape (N, K)
            One score a class.

        Raises
        ------
        ShapeError
            Where the images are not of the shape that the network was trained on.
        """
        return self._in_batches(self.model, images, white, batch_size)

    def predict(
        self,
        images: NDArray[Any],
        *,
        white: float | None = None,
        batch_size: int = 256,
        views: Views | None = None,
    ) -> NDArray[np.int64]:
        """Return the class of each image.

        Parameters
        ----------
        images : ndarray of shape (N, C, H, W)
            As the data set holds them.
        white : float, optional
            Their value of full brightness; that of the training images by default.
        batch_size : int
            Images at a time.
        views : str or sequence of callable, optional
            Test-time augmentation: the probabilities are the mean over views of each
            image, a name of :data:`cnnpy.data.VIEWS` ("flip", "shift", "flip+shift") or
            functions of raw images (N, C, H, W).

        Returns
        -------
        ndarray of shape (N,) of int64
            Class indices, into `class_names`.

        Raises
        ------
        ShapeError
            Where the images are not of the shape that the network was trained on, or a
            view changes it.
        OptionError
            Where there are no such views.
        """
        if views is None:
            scores = self.scores(images, white=white, batch_size=batch_size)
        else:
            scores = self.predict_proba(images, white=white, batch_size=batch_size, views=views)
        classes: NDArray[np.int64] = scores.argmax(axis=1)
        return classes

    def predict_proba(
        self,
        images: NDArray[Any],
        *,
        white: float | None = None,
        batch_size: int = 256,
        views: Views | None = None,
    ) -> FloatArray:
        """Return the probability of each class for each image.

        Parameters
        ----------
        images : ndarray of shape (N, C, H, W)
            As the data set holds them.
        white : float, optional
            Their value of full brightness; that of the training images by default.
        batch_size : int
            Images at a time.
        views : str or sequence of callable, optional
            Test-time augmentation: the probabilities are the mean over views of each
            image, a name of :data:`cnnpy.data.VIEWS` ("flip", "shift", "flip+shift") or
            functions of raw images (N, C, H, W).

        Returns
        -------
        ndarray of shape (N, K)
            Rows that sum to one.

        Raises
        ------
        ShapeError
            Where the images are not of the shape that the network was trained on, or a
            view changes it.
        OptionError
            Where there are no such views.
        """
        return self._in_batches(self.model.predict_proba, images, white, batch_size, views)

    def _in_batches(
        self,
        run: Callable[[FloatArray], FloatArray],
        images: NDArray[Any],
        white: float | None,
        batch_size: int,
        views: Views | None = None,
    ) -> FloatArray:
        """Preprocess and run a batch at a time: all images as floats take fourfold memory."""
        step = integer(1)("predict", "batch_size", batch_size)
        found = find_views("predict: views", views)
        starts = range(0, max(len(images), 1), step)
        return np.concatenate([self._mean(run, images[i : i + step], white, found) for i in starts])

    def _mean(
        self,
        run: Callable[[FloatArray], FloatArray],
        images: NDArray[Any],
        white: float | None,
        views: tuple[View, ...],
    ) -> FloatArray:
        """Run each view of a batch; return the mean of what comes out."""
        total = run(self.preprocessing.apply(seen("predict", views[0], images), white=white))
        for view in views[1:]:
            total = total + run(
                self.preprocessing.apply(seen("predict", view, images), white=white)
            )
        return total / len(views) if len(views) > 1 else total

    def evaluate(
        self,
        dataset: ImageSource,
        *,
        loss: Loss | None = None,
        batch_size: int = 256,
        views: Views | None = None,
    ) -> Evaluation:
        """Measure how well the classifier does on a data set.

        Parameters
        ----------
        dataset : ImageSource
            Images with their classes; those that are not in memory are read as they come.
        loss : Loss, optional
            What is averaged beside the accuracy; the cross-entropy by default.
        batch_size : int
            Images at a time.
        views : str or sequence of callable, optional
            As in :meth:`predict_proba`; the loss is then that of the logarithms of the mean
            probabilities, which are scores too.

        Returns
        -------
        Evaluation
            Accuracy, loss and confusion matrix.

        Raises
        ------
        DataError
            Where the data set has other classes.
        OptionError
            Where there are no such views.
        """
        if dataset.class_names != self.class_names:
            raise _other_classes(self.class_names, dataset)
        loss = loss or SoftmaxCrossEntropy()
        K = len(self.class_names)
        confusion = np.zeros((K, K), dtype=np.int64)
        total = 0.0
        for images, labels in Loader(dataset, batch_size, shuffle=False, seed=0):
            scores = self._evaluated(images, dataset.white, batch_size, views)
            total += float(loss.forward(scores, labels)[0]) * len(labels)
            confusion += confusion_of(labels, scores.argmax(axis=1), K)
        n = len(dataset)
        right = int(np.trace(confusion))
        return Evaluation(n, right / n if n else np.nan, total / n if n else np.nan, confusion)

    def _evaluated(
        self, images: NDArray[Any], white: float, batch_size: int, views: Views | None
    ) -> FloatArray:
        """Return scores; of views, the logarithms of mean probabilities, none of them -inf."""
        if views is None:
            return self.scores(images, white=white, batch_size=batch_size)
        p = self.predict_proba(images, white=white, batch_size=batch_size, views=views)
        return finite_log(p)

    def save(self, path: str | Path) -> None:
        """Write everything into one safetensors file.

        Parameters
        ----------
        path : str or pathlib.Path
            Where to; an old file is replaced once the new one is whole.

        Raises
        ------
        ModelFileError
            Where it cannot be written.
        """
        parts = model_file.ModelParts(self.model, self.preprocessing, self.class_names)
        model_file.write(parts, Path(path))


def load(path: str | Path, *, custom_layers: Iterable[type[Layer]] = ()) -> Classifier:
    """Read a classifier from the file that `Classifier.save` wrote.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    custom_layers : iterable of type
        Layer classes of your own that the network has.

    Returns
    -------
    Classifier
        Which predicts to the same bits as the one that was saved.

    Raises
    ------
    ModelFileError
        Where there is no such file, or it is corrupt, or not cnnpy's.
    """
    return Classifier(*model_file.read(Path(path), custom_layers))


def confusion_of(
    labels: NDArray[np.integer[Any]], predicted: NDArray[np.int64], n_classes: int
) -> NDArray[np.int64]:
    """Count the images of each class by what they were taken for.

    Parameters
    ----------
    labels, predicted : ndarray of shape (N,)
        What each image is, and what it was taken for.
    n_classes : int
        How many classes there are.

    Returns
    -------
    ndarray of shape (K, K) of int64
        True classes in rows, predicted ones in columns.

    Examples
    --------
    >>> confusion_of(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
    array([[1, 0],
           [1, 1]])
    """
    pairs = labels.astype(np.int64) * n_classes + predicted
    return np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)


def _other_classes(class_names: tuple[str, ...], dataset: ImageSource) -> DataError:
    def text(names: tuple[str, ...]) -> str:
        shown = ", ".join(names[:5])
        return f"{len(names)} classes ({shown}{', ...' if len(names) > 5 else ''})"

    return DataError(
        f"evaluate: the data set {dataset.name!r} has {text(dataset.class_names)}",
        f"the classes that the network was trained on: {text(class_names)}",
        "use a data set with the same classes in the same order",
    )
