"""Which network an estimator trains: by name, one's own, or what suits the images."""

from __future__ import annotations

from typing import Any

from cnnpy import models
from cnnpy.contract.errors import OptionError
from cnnpy.nn import Conv2d, Flatten, Layer, Linear, ReLU, Sequential
from cnnpy.sklearn.images import ImageShape

__all__ = ["AUTO", "make_network"]

AUTO = "auto"

_LEAST_SIDE = 4
"""Of an image that `small_cnn` takes, which halves it twice."""
_FILTERS = (32, 32)


def make_network(where: str, model: Any, n_outputs: int, image_shape: ImageShape) -> Layer:
    """Make the network that an estimator is going to train; it is never the caller's own.

    Parameters
    ----------
    where : str
        Who asks, for the messages.
    model : str, Layer or callable
        "auto", a name of :data:`cnnpy.models.MODELS`, a network, which is copied, or a
        function of the number of outputs that returns one.
    n_outputs : int
        Numbers that come out.
    image_shape : tuple of int (C, H, W)
        The shape of an image.

    Returns
    -------
    Layer
        Built only where the caller's is.

    Raises
    ------
    OptionError
        Where `model` is none of these.
    """
    if isinstance(model, Layer):
        return model.copy()
    if isinstance(model, str):
        return _by_name(model, n_outputs, image_shape)
    made = model(n_outputs) if callable(model) else model
    if not isinstance(made, Layer):
        what = f"model returned a {type(made).__name__}" if callable(model) else f"model={model!r}"
        raise OptionError(
            f"{where}: {what}",
            "a name, a network, or a function (n_outputs) that returns a network",
            "use model=cnnpy.models.small_cnn",
        )
    return made.copy()  # a function may return the same network twice


def _by_name(name: str, n_outputs: int, image_shape: ImageShape) -> Layer:
    if name != AUTO:
        return models.make_model(name, n_outputs)
    if min(image_shape[1:]) >= _LEAST_SIDE:
        return models.small_cnn(n_outputs)
    return _narrow_cnn(n_outputs, image_shape)


def _narrow_cnn(n_outputs: int, image_shape: ImageShape) -> Sequential:
    """Make two convolutions along the axes that have more than one pixel, without pooling.

    There is no batch norm: a column of one feature in a last batch of one sample has no spread.
    """
    _, H, W = image_shape
    kernel = (3 if H > 1 else 1, 3 if W > 1 else 1)
    padding = (kernel[0] // 2, kernel[1] // 2)
    layers: list[Layer] = []
    for filters in _FILTERS:
        layers += [Conv2d(filters, kernel, padding=padding), ReLU()]
    return Sequential(*layers, Flatten(), Linear(n_outputs))
