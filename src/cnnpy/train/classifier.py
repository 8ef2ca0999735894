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
from cnnpy.nn import Layer, Loss, SoftmaxCrossEntropy
from cnnpy.train import model_file
from cnnpy.train.reports import EpochReport

__all__ = ["Classifier", "Evaluation", "load"]


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
        self, images: NDArray[Any], *, white: float | None = None, batch_size: int = 256
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

        Returns
        -------
        ndarray of shape (N,) of int64
            Class indices, into `class_names`.
        """
        scores = self.scores(images, white=white, batch_size=batch_size)
        classes: NDArray[np.int64] = scores.argmax(axis=1)
        return classes

    def predict_proba(
        self, images: NDArray[Any], *, white: float | None = None, batch_size: int = 256
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

        Returns
        -------
        ndarray of shape (N, K)
            Rows that sum to one.
        """
        return self._in_batches(self.model.predict_proba, images, white, batch_size)

    def _in_batches(
        self,
        run: Callable[[FloatArray], FloatArray],
        images: NDArray[Any],
        white: float | None,
        batch_size: int,
    ) -> FloatArray:
        """Preprocess and run a batch at a time: all images as floats take fourfold memory."""
        step = integer(1)("predict", "batch_size", batch_size)
        starts = range(0, max(len(images), 1), step)
        return np.concatenate(
            [run(self.preprocessing.apply(images[i : i + step], white=white)) for i in starts]
        )

    def evaluate(
        self, dataset: ImageSource, *, loss: Loss | None = None, batch_size: int = 256
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

        Returns
        -------
        Evaluation
            Accuracy, loss and confusion matrix.

        Raises
        ------
        DataError
            Where the data set has other classes, or an image cannot be read.
        """
        if dataset.class_names != self.class_names:
            raise _other_classes(self.class_names, dataset)
        loss = loss or SoftmaxCrossEntropy()
        K = len(self.class_names)
        confusion = np.zeros((K, K), dtype=np.int64)
        total = 0.0
        for images, labels in Loader(dataset, batch_size, shuffle=False, seed=0):
            scores = self.scores(images, white=dataset.white, batch_size=batch_size)
            total += float(loss.forward(scores, labels)[0]) * len(labels)
            np.add.at(confusion, (labels, scores.argmax(axis=1)), 1)
        n = len(dataset)
        right = int(np.trace(confusion))
        return Evaluation(n, right / n if n else np.nan, total / n if n else np.nan, confusion)

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


def _other_classes(class_names: tuple[str, ...], dataset: ImageSource) -> DataError:
    def text(names: tuple[str, ...]) -> str:
        shown = ", ".join(names[:5])
        return f"{len(names)} classes ({shown}{', ...' if len(names) > 5 else ''})"

    return DataError(
        f"evaluate: the data set {dataset.name!r} has {text(dataset.class_names)}",
        f"the classes that the network was trained on: {text(class_names)}",
        "use a data set with the same classes in the same order",
    )
