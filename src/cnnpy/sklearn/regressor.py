"""CNNRegressor: a network that scikit-learn takes for one of its regressors."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from cnnpy.sklearn.estimator import CNNEstimator
from cnnpy.sklearn.regression import fit_regression

__all__ = ["CNNRegressor"]


class CNNRegressor(RegressorMixin, CNNEstimator):
    """Predict numbers from images with a convolutional network.

    The network learns by its mean squared error. Each channel of the images is brought to
    mean 0 and spread 1 over those that are learned from, and so is each output, so that
    the learning rate need not know the unit of y; predictions are in the unit of y. It
    computes in float32 on all cores (``CNNPY_NUM_THREADS``), and the same `random_state`
    gives the same bits on any number of them.

    Parameters
    ----------
    model : str, Layer or callable, default "auto"
        A name of :data:`cnnpy.models.MODELS`, a network, or a function of the number of
        outputs that returns one. A network is copied and the copy trained: from new
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
        The share of the images, drawn at random, that is not learned from: the epoch with
        the least loss on them is kept. With 0 it is the last.
    patience : int, optional
        Epochs without a better one on the images that are held out after which training
        stops early.
    random_state : int, RandomState instance or None, default None
        Decides first values, dropout, order, augmentation and what is held out. None
        takes NumPy's global generator.
    verbose : int, default 0
        Whether to print a line an epoch.

    Attributes
    ----------
    network_ : Layer
        The trained network; its outputs are ``(y - target_mean_) / target_scale_``.
    preprocessing_ : cnnpy.data.Preprocessing
        From images as X holds them to what the network takes.
    target_mean_, target_scale_ : ndarray of shape (n_outputs,) of float64
        Mean and standard deviation of y, a deviation of 0 replaced by 1.
    history_ : list of RegressionReport
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
    The brightness of the left half over that of the right, by a network of one's own:

    >>> from cnnpy import nn
    >>> from cnnpy.sklearn import CNNRegressor
    >>> images = np.random.default_rng(0).random((400, 1, 6, 6))
    >>> y = images[..., :3].mean(axis=(1, 2, 3)) - images[..., 3:].mean(axis=(1, 2, 3))
    >>> layers = nn.Conv2d(16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(1)
    >>> regressor = CNNRegressor(nn.Sequential(*layers), random_state=0)
    >>> bool(regressor.fit(images[:300], y[:300]).score(images[300:], y[300:]) > 0.75)
    True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Train a new network on images and the numbers that belong to them.

        Parameters
        ----------
        X : array-like of shape (n, C, H, W) or (n, n_features)
            Images, as bytes or floats, or rows.
        y : array-like of shape (n,) or (n, n_outputs)
            One number an image, or several.

        Returns
        -------
        CNNRegressor
            This estimator.

        Raises
        ------
        ValueError
            Where X or y is not what scikit-learn takes, a parameter is out of its range,
            the network does not fit to the images, or its loss is no number any more:
            where it is cnnpy that says so, a `ShapeError`, `OptionError` or `DataError`.
        """
        images, y = self._images_and_y(X, y, multi_output=True, y_numeric=True)
        targets = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        self.target_mean_ = targets.mean(axis=0)
        spread = targets.std(axis=0)
        self.target_scale_ = np.where(spread > 0, spread, 1.0)
        self._flat = y.ndim == 1
        fitted = fit_regression(
            self._network(targets.shape[1]),
            images,
            ((targets - self.target_mean_) / self.target_scale_).astype(np.float32),
            self._training(),
            held_out=self._held_out(),
            follow=self._say,
        )
        self.network_, self.preprocessing_, self.history_ = fitted
        self.n_iter_ = len(self.history_)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return what belongs to each image.

        Parameters
        ----------
        X : array-like of shape (n, C, H, W) or (n, n_features)
            Images as those that were learned from.

        Returns
        -------
        ndarray of shape (n,) or (n, n_outputs) of float64
            Of as many axes as y had.

        Raises
        ------
        ValueError
            Where X is not what scikit-learn takes, or has images of another shape.
        """
        scaled = self._outputs(X).astype(np.float64)
        found: NDArray[np.float64] = scaled * self.target_scale_ + self.target_mean_
        return found[:, 0] if self._flat else found
