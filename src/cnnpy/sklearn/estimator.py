"""What classifier and regressor share: parameters, images out of X, a line an epoch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import OptionError
from cnnpy.contract.options import real, written
from cnnpy.data import Preprocessing
from cnnpy.nn import InferenceSession, Layer
from cnnpy.sklearn.images import as_rows, check_same_images, find_image_shape
from cnnpy.sklearn.networks import AUTO, make_network
from cnnpy.sklearn.regression import RegressionReport
from cnnpy.train import EpochReport, Training

__all__ = ["CNNEstimator"]

_PIXELS = [np.float64, np.float32, np.uint8]
"""Kept as they are; what is of another dtype becomes the first."""
_SHOWN = {
    "loss": "train_loss",
    "accuracy": "train_accuracy",
    "validation loss": "validation_loss",
    "validation accuracy": "validation_accuracy",
}


_AS_THEY_ARE = (
    *("epochs", "batch_size", "optimizer", "lr", "weight_decay", "schedule"),
    *("augment", "patience"),
)
"""Parameters that training takes under the same names."""


class CNNEstimator(BaseEstimator):
    """Hold the parameters of an estimator, and make images of what scikit-learn hands over.

    Parameters
    ----------
    model : str, Layer or callable
        Which network.
    image_shape : tuple of int (C, H, W) or (H, W), optional
        The shape of an image.
    epochs, batch_size : int
        How often each image is seen, and how many at a time.
    optimizer, schedule : str
        As in :func:`cnnpy.train.fit`.
    lr, weight_decay : float, optional
        The optimizer's own by default.
    augment : callable, optional
        Changes each batch of raw images.
    validation_fraction : float
        The share of the images that chooses the best epoch.
    patience : int, optional
        Epochs without a better one on the images that are held out after which training
        stops early.
    random_state : int, RandomState instance or None
        Decides everything that chance decides.
    verbose : int
        Whether to print a line an epoch.
    """

    network_: Layer
    preprocessing_: Preprocessing

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
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.image_shape = image_shape
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.augment = augment
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state
        self.verbose = verbose

    def _images_and_y(self, X: Any, y: Any, **checks: bool) -> tuple[NDArray[Any], NDArray[Any]]:
        """Check what is to be learned from, and remember the shape of its images."""
        where = type(self).__name__
        rows, given = as_rows(where, X)
        rows, y = validate_data(self, rows, y, dtype=_PIXELS, ensure_min_samples=2, **checks)
        self.image_shape_ = find_image_shape(where, given, rows.shape[1], self.image_shape)
        return rows.reshape(-1, *self.image_shape_), y

    def _images(self, X: Any) -> NDArray[Any]:
        """Check what is to be predicted, which must be like what was learned from."""
        check_is_fitted(self, "network_")
        where = type(self).__name__
        rows, given = as_rows(where, X)
        if given is not None:
            check_same_images(where, given, self.image_shape_)
        rows = validate_data(self, rows, dtype=_PIXELS, reset=False)
        images: NDArray[Any] = rows.reshape(-1, *self.image_shape_)
        return images

    def _outputs(self, X: Any) -> FloatArray:
        """Run the trained network on each image by itself.

        The order in which a kernel sums may depend on what else is in the batch; what is
        predicted of an image must not.
        """
        images = self._images(X)
        run = InferenceSession(self.network_)
        inputs = (self.preprocessing_.apply(images[n : n + 1]) for n in range(len(images)))
        return np.concatenate([run(x) for x in inputs])

    def _network(self, n_outputs: int) -> Layer:
        return make_network(type(self).__name__, self.model, n_outputs, self.image_shape_)

    def _seed(self) -> int:
        chance = check_random_state(self.random_state)
        return int(chance.randint(np.iinfo(np.int32).max))

    def _held_out(self) -> float:
        parse = real(0.0, 1.0, below=True)
        return float(parse(type(self).__name__, "validation_fraction", self.validation_fraction))

    def _training(self, **more: Any) -> Training:
        """Return the parameters that training takes as they are, and more."""
        if self.patience is not None and not self.validation_fraction:
            raise OptionError(
                f"{type(self).__name__}: patience={written(self.patience)} and nothing is held out",
                "images that tell which epoch is better",
                "use validation_fraction=0.1, or leave patience out",
            )
        options = {name: getattr(self, name) for name in _AS_THEY_ARE}
        return Training(**options, seed=self._seed(), **more)

    def _say(self, report: EpochReport | RegressionReport) -> None:
        """Print how an epoch went, where that is asked for; leave out what was not measured."""
        if not self.verbose:
            return
        measured = {words: getattr(report, name, math.nan) for words, name in _SHOWN.items()}
        numbers = [f"{words} {x:.4f}" for words, x in measured.items() if not math.isnan(x)]
        print(f"epoch {report.epoch}/{self.epochs}: {', '.join(numbers)}")
