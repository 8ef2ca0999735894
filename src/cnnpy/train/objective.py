"""Objective: what a batch's scores are held against, and the gradient that comes of it.

The wanted distribution of an image is one at its class; mixing, label smoothing and class
weights change it, in this order. With weights w the loss of a batch is, as in PyTorch,

    Σ_n Σ_k w[k]·q[n, k]·(-log p[n, k])  /  Σ_n Σ_k w[k]·t[n, k]

t being the wanted distribution before smoothing, and q after.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import OptionError
from cnnpy.data import ImageSource
from cnnpy.nn import LOSSES, Loss
from cnnpy.train.training import Training

__all__ = ["Objective"]


class Objective:
    """Measure batches as a :class:`Training` asks for it.

    Parameters
    ----------
    training : Training
        With the loss, label smoothing and class weights.
    train : ImageSource
        The training images, for their classes.

    Raises
    ------
    OptionError
        Where there is not one class weight for each class.

    Attributes
    ----------
    loss : Loss
        The plain loss, for validation.
    """

    def __init__(self, training: Training, train: ImageSource) -> None:
        self.n_classes = train.n_classes
        self.loss: Loss = (
            training.loss if isinstance(training.loss, Loss) else LOSSES[training.loss]()
        )
        self.smoothing = training.label_smoothing
        self.weights = _class_weights(training, train)
        self.soft = self.weights is not None or self.smoothing > 0

    def targets(self, labels: NDArray[np.int64], dtype: np.dtype[Any]) -> FloatArray:
        """Return the wanted probabilities (N, K) of classes (N,)."""
        wanted = np.zeros((len(labels), self.n_classes), dtype=dtype)
        wanted[np.arange(len(labels)), labels] = 1
        return wanted

    def weight(self, labels: NDArray[np.integer[Any]]) -> float:
        """Return how much some images count together: how many they are, where all count alike.

        Parameters
        ----------
        labels : ndarray of shape (N,)
            Their classes.

        Returns
        -------
        float
            The sum of their weights.
        """
        return float(len(labels) if self.weights is None else self.weights[labels].sum())

    def measure(
        self, scores: FloatArray, targets: NDArray[Any], total: float | None = None
    ) -> tuple[float, FloatArray]:
        """Compute the loss of a batch and the gradient of its scores.

        Parameters
        ----------
        scores : ndarray of shape (N, K)
            What the network returned.
        targets : ndarray of shape (N,) of int64, or (N, K) of the scores' dtype
            Class indices, or wanted probabilities.
        total : float, optional
            How much all images of the step count together, where the batch is a part of it.

        Returns
        -------
        loss : float
            The mean over the batch.
        dscores : ndarray of shape (N, K)
            The gradient of what the batch adds to the mean over the step.
        """
        own = float(len(targets))
        if self.soft:
            if targets.ndim == 1:
                targets = self.targets(targets, scores.dtype)
            targets, own = self._weigh(targets)
        value, cache = self.loss.forward(scores, targets)
        dscores = self.loss.backward(cache)
        # of a loss that is the mean over N images, to one over what the images count
        n = len(targets)
        scale = n / (own if total is None else total) if own > 0 else 0.0
        if scale != 1.0:
            dscores = dscores * scores.dtype.type(scale)
        return float(value) * (n / own if own > 0 else 0.0), dscores

    def _weigh(self, targets: FloatArray) -> tuple[FloatArray, float]:
        """Return what is wanted, smoothed and weighed, and how much the images count."""
        wanted = (1 - self.smoothing) * targets + self.smoothing / self.n_classes
        wanted = wanted.astype(targets.dtype, copy=False)
        if self.weights is None:
            return wanted, float(len(targets))
        weighed: FloatArray = (wanted * self.weights).astype(targets.dtype, copy=False)
        return weighed, float((targets @ self.weights).sum())


def _class_weights(training: Training, train: ImageSource) -> NDArray[np.float64] | None:
    asked = training.class_weights
    if asked is None:
        return None
    K = train.n_classes
    if isinstance(asked, str):  # "balanced": as if all classes had as many images
        counts = train.class_counts()
        return np.where(counts > 0, len(train) / (K * np.maximum(counts, 1)), 0.0)
    if len(asked) != K:
        raise OptionError(
            f"training: {len(asked)} class_weights; there are {K} classes",
            "one weight for each class, in the order of class_names",
            'use class_weights="balanced"',
        )
    return np.asarray(asked, dtype=np.float64)
