"""Where a training run went astray: what to say of a loss or gradient that is not finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import TrainingError
from cnnpy.nn import Layer
from cnnpy.nn.watch import Seen, Watched

__all__ = ["astray", "where_it_began"]


def astray(what: str, place: str, where: str, lr: float) -> TrainingError:
    """Make the error that ends a run.

    Parameters
    ----------
    what : str
        "the loss is nan".
    place : str
        "batch 3 of epoch 2".
    where : str
        Of `where_it_began`.
    lr : float
        The highest learning rate of the run.

    Returns
    -------
    TrainingError
        To be raised.
    """
    return TrainingError(
        f"training: {what} at {place}: {where}",
        "finite numbers",
        f"use a smaller learning rate (lr={lr / 10:.1g}) or clip_norm=1; "
        "on_nonfinite='skip' leaves such steps out",
    )


def where_it_began(
    model: Layer, x: FloatArray, scores: FloatArray, chance: Mapping[str, Any]
) -> str:
    """Find the first place of a network whose numbers are not finite.

    Parameters
    ----------
    model : Layer
        The network, as it is after the forward pass.
    x : ndarray of shape (N, C, H, W)
        The batch.
    scores : ndarray of shape (N, K)
        What came out of it.
    chance : mapping of str to object
        The states of its sources of chance before the forward pass.

    Returns
    -------
    str
        Half a sentence.
    """
    for name, parameter in model.named_parameters():
        if not _finite(parameter.value):
            return f"the weights {name} are not finite since a step before"
    if not _finite(x):
        return "its images are not finite, once they are augmented and mixed"
    if _finite(scores):
        return "the scores are finite, so it came of the loss or of its gradient"
    wrong: list[Seen] = []  # a layer ends before the one that it is inside

    def look(seen: Seen, out: FloatArray) -> None:
        if not wrong and not _finite(out):
            wrong.append(seen)

    with Watched(model, learns=True, keep=False, look=look) as watched:
        for name, generator in watched.model.named_generators():
            generator.bit_generator.state = chance[name]
        watched.forward(x, train=True)
    if wrong:
        return f"it comes first out of layer {wrong[0].name} ({type(wrong[0].layer).__name__})"
    return "the scores were not finite, and are when the batch is run again"


def _finite(array: NDArray[Any]) -> bool:
    return bool(np.isfinite(array).all())
