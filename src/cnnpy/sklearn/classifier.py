"""CNNClassifier: a network that scikit-learn takes for one of its classifiers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from cnnpy.contract.errors import DataError, OptionError
from cnnpy.contract.options import written
from cnnpy.data import Dataset, hold_out
from cnnpy.nn.inference import log_probabilities_of, probabilities_of
from cnnpy.sklearn.estimator import CNNEstimator
from cnnpy.sklearn.networks import AUTO
from cnnpy.train import Callback, Classifier, EpochReport, fit

__all__ = ["CNNClassifier"]


class CNNClassifier(ClassifierMixin, CNNEstimator):
    """Classify images with a convolutional network.

    Each channel is brought to mean 0 and spread 1 over the training images, and the
    network is trained by :func:`cnnpy.train.fit` in float32. It computes on all cores
    (``CNNPY_NUM_THREADS``), and the same `random_state` gives the same bits on any number
    of them.

    Parameters
    ----------
    model : str, Layer or callable, default "auto"
        A name of :data:`cnnpy.models.MODELS`, a network, or a function of the number of
        classes that returns one. A network is copied and the copy trained: from new
        first values, or, where it is built, from those that it has. "auto" takes
        `small_cnn` for images of at least 4x4 pixels; for narrower ones and for rows, two
        convolutions of 32 filters, 3 wide along each axis of more than one pixel, and a
        linear layer.
    image_shape : tuple of int (C, H, W) or (H, W), optional
        The shape of the image that each row of X is; (H, W) has one channel. Without it
        rows are taken as images of one row, (1, 1, n_features).
    epochs : int, default 20
        How often each image is seen.
    batch_size : int, default 32
        Images a step.
    optimizer : {"adamw", "adam", "sgd", "rmsprop"}
        The optimizer; "sgd" with Nesterov momentum 0.9.
    lr : float, optional
        The highest learning rate; the optimizer's own by default, 0.002 for "adamw".
    weight_decay : float, optional
        The optimizer's own by default.
    schedule : {"one-cycle", "cosine", "step", "constant"}
        How the learning rate goes.
    augment : callable, optional
        Of ``(images, rng)``: changes each batch of raw images (N, C, H, W), such as
        :class:`cnnpy.data.RandomShift`.
    validation_fraction : float, default 0.0
        The share of the images, of each class alike, that is not learned from: the epoch
        with the best accuracy on them is kept. With 0 it is the last.
    patience : int, optional
        Epochs without a better one on the images that are held out after which training
        stops early.
    class_weight : dict, "balanced" or None, default None
        How much the images of each class count, 1 where nothing is said of a class;
        "balanced" lets all classes count alike.
    random_state : int, RandomState instance or None, default None
        Decides first values, dropout, order, augmentation and what is held out. None
        takes NumPy's global generator.
    verbose : int, default 0
        Whether to print a line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    classifier_ : cnnpy.train.Classifier
        The network with its preprocessing; ``classifier_.save(path)`` writes it for the
        ``cnnpy`` command and :func:`cnnpy.train.load`.
    network_ : Layer
        The trained network.
    preprocessing_ : cnnpy.data.Preprocessing
        From images as X holds them to what the network takes.
    history_ : list of cnnpy.train.EpochReport
        What training reported, epoch by epoch.
    image_shape_ : tuple of int (C, H, W)
        The shape of an image.
    n_iter_ : int
        Epochs that were trained.
    n_features_in_ : int
        Numbers of an image, C * H * W.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only where X has columns with names.

    Examples
    --------
    >>> from cnnpy.data import digits
    >>> from cnnpy.sklearn import CNNClassifier
    >>> images, labels = digits().images, digits().labels
    >>> images.shape
    (1797, 1, 8, 8)
    >>> classifier = CNNClassifier(epochs=4, random_state=0).fit(images[:600], labels[:600])
    >>> bool(classifier.score(images[600:900], labels[600:900]) > 0.8)
    True
    >>> classifier.predict_proba(images[:2]).shape
    (2, 10)
    """

    # scikit-learn reads the parameters of an estimator off this signature
    def __init__(
        self,
        model: str | Any = AUTO,
        *,
        image_shape: tuple[int, ...] | None = None,
        epochs: int = 20,
        batch_size: int = 32,
        optimizer: str = "adamw",
        lr: float | None = None,
        weight_decay: float | None = None,
        schedule: str = "one-cycle",
        augment: Any = None,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            model,
            image_shape=image_shape,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            lr=lr,
            weight_decay=weight_decay,
            schedule=schedule,
            augment=augment,
            validation_fraction=validation_fraction,
            patience=patience,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any) -> Self:
        """Train a new network on images and their classes.

        Parameters
        ----------
        X : array-like of shape (n, C, H, W) or (n, n_features)
            Images, as bytes or floats, or rows.
        y : array-like of shape (n,)
            The class of each: integers, texts, or what else np.unique sorts.

        Returns
        -------
        CNNClassifier
            This estimator.

        Raises
        ------
        ValueError
            Where X or y is not what scikit-learn takes, a parameter is out of its range,
            or the network does not fit to the images: where it is cnnpy that says so,
            a `ShapeError`, `OptionError` or `DataError`.
        """
        images, y = self._images_and_y(X, y)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"{type(self).__name__}: y has one class only, {self.classes_.tolist()[0]!r}",
                "at least two classes",
                f"add samples of another class to the {len(y)} that there are",
            )
        names = _class_names(self.classes_)
        training = self._training(class_weights=self._class_weights())
        train = Dataset(images, labels, names, name="X", white=_white(images))
        validation, share = None, self._held_out()
        if share:
            train, validation = hold_out(train, share, training.seed)
        self.classifier_ = fit(
            self._network(len(names)),
            train,
            validation,
            training,
            callbacks=[_Listener(self._say)],
        )
        self.network_ = self.classifier_.model
        self.preprocessing_ = self.classifier_.preprocessing
        self.history_ = self.classifier_.history
        self.n_iter_ = len(self.history_)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class for each image.

        Parameters
        ----------
        X : array-like of shape (n, C, H, W) or (n, n_features)
            Images as those that were learned from.

        Returns
        -------
        ndarray of shape (n, n_classes) of float64
            Rows that sum to one, the classes in the order of `classes_`.

        Raises
        ------
        ValueError
            Where X is not what scikit-learn takes, or has images of another shape.
        """
        outputs = self._outputs(X).astype(np.float64)
        return np.asarray(probabilities_of(self.network_, outputs), dtype=np.float64)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the logarithm of the probability of each class for each image.

        Parameters
        ----------
        X : array-like of shape (n, C, H, W) or (n, n_features)
            Images as those that were learned from.

        Returns
        -------
        ndarray of shape (n, n_classes) of float64
            Finite even where the probability is too small for a number.

        Raises
        ------
        ValueError
            Where X is not what scikit-learn takes, or has images of another shape.
        """
        outputs = self._outputs(X).astype(np.float64)
        return np.asarray(log_probabilities_of(self.network_, outputs), dtype=np.float64)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each image.

        Parameters
        ----------
        X : array-like of shape (n, C, H, W) or (n, n_features)
            Images as those that were learned from.

        Returns
        -------
        ndarray of shape (n,)
            Of `classes_`.

        Raises
        ------
        ValueError
            Where X is not what scikit-learn takes, or has images of another shape.
        """
        likeliest = self.predict_proba(X).argmax(axis=1)
        found: NDArray[Any] = self.classes_[likeliest]
        return found

    def _class_weights(self) -> str | tuple[float, ...] | None:
        """Return what training takes: a weight for each of `classes_`, in order."""
        asked, where = self.class_weight, type(self).__name__
        if asked is None or (isinstance(asked, str) and asked == "balanced"):
            return asked
        if not isinstance(asked, Mapping):
            raise OptionError(
                f"{where}: class_weight={written(asked)}",
                '"balanced", or a dictionary with the weight of each class',
                'use class_weight="balanced"',
            )
        classes = self.classes_.tolist()
        unknown = [name for name in asked if name not in classes]
        if unknown:
            raise OptionError(
                f"{where}: class_weight speaks of {written(unknown[0])}",
                f"classes of y: {', '.join(map(written, classes[:5]))}"
                + ", ..." * (len(classes) > 5),
                f"leave {written(unknown[0])} out",
            )
        return tuple(asked.get(name, 1.0) for name in classes)


class _Listener(Callback):
    """Pass on how each epoch went."""

    def __init__(self, say: Callable[[EpochReport], None]) -> None:
        self.say = say

    def on_epoch(self, report: EpochReport, classifier: Classifier) -> None:
        self.say(report)


def _class_names(classes: NDArray[Any]) -> tuple[str, ...]:
    """Name the classes as a model file can hold them: numbered where their texts do not serve."""
    names = tuple(str(label) for label in classes)
    serve = all(name.isprintable() and name for name in names) and len(set(names)) == len(names)
    return names if serve else tuple(str(at) for at in range(len(names)))


def _white(images: NDArray[Any]) -> float:
    """Give the brightest value: a saved classifier brings image files to that scale."""
    brightest = float(images.max())
    return brightest if images.dtype.kind == "f" and brightest > 0 else 255.0
