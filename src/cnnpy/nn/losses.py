"""Losses as objects, so that a training run can name and save its own."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from cnnpy import functional
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.ops import OPS
from cnnpy.contract.validate import parse_options

__all__ = ["LOSSES", "Hinge", "Loss", "MeanSquaredError", "SoftmaxCrossEntropy"]


class Loss:
    """Measure a batch of outputs against what was wanted.

    A loss of your own has these two methods.
    """

    def forward(self, x: FloatArray, target: NDArray[Any]) -> tuple[Any, Any]:
        """Compute the loss of a batch.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            What came out.
        target : ndarray of shape (N, ...)
            What was wanted.

        Returns
        -------
        loss : scalar
            The mean over the batch.
        cache : object
            What `backward` needs.
        """
        raise TypeError(f"{type(self).__name__} has no forward(self, x, target)")

    def backward(self, cache: Any) -> FloatArray:
        """Compute the gradient of the loss with respect to x.

        Parameters
        ----------
        cache : object
            From `forward`.

        Returns
        -------
        ndarray of the shape of x
            The gradient.
        """
        raise TypeError(f"{type(self).__name__} has no backward(self, cache)")


class SoftmaxCrossEntropy(Loss):
    """Measure how surprised the scores are by the right class.

    Parameters
    ----------
    label_smoothing : float
        Share of the wanted probability that is spread over all classes.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing
        parse_options(OPS["softmax_cross_entropy"], {"label_smoothing": label_smoothing})

    def forward(self, x: FloatArray, target: NDArray[Any]) -> tuple[Any, Any]:
        """Compute the mean cross-entropy; see :func:`softmax_cross_entropy_forward`."""
        return functional.softmax_cross_entropy_forward(
            x, target, label_smoothing=self.label_smoothing
        )

    def backward(self, cache: Any) -> FloatArray:
        """Compute the gradient of the scores."""
        return functional.softmax_cross_entropy_backward(1.0, cache)


class Hinge(Loss):
    """Charge each class whose score comes within 1 of the right one's."""

    def forward(self, x: FloatArray, target: NDArray[Any]) -> tuple[Any, Any]:
        """Compute the mean hinge loss; see :func:`hinge_forward`."""
        return functional.hinge_forward(x, target)

    def backward(self, cache: Any) -> FloatArray:
        """Compute the gradient of the scores."""
        return functional.hinge_backward(1.0, cache)


class MeanSquaredError(Loss):
    """Average the squared differences over all entries."""

    def forward(self, x: FloatArray, target: NDArray[Any]) -> tuple[Any, Any]:
        """Compute the mean squared error; see :func:`mean_squared_error_forward`."""
        return functional.mean_squared_error_forward(x, target)

    def backward(self, cache: Any) -> FloatArray:
        """Compute the gradient of the outputs."""
        return functional.mean_squared_error_backward(1.0, cache)


LOSSES: dict[str, type[Loss]] = {
    "softmax_cross_entropy": SoftmaxCrossEntropy,
    "hinge": Hinge,
    "mean_squared_error": MeanSquaredError,
}
