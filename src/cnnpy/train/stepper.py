"""The optimizer that a training asks for, with what weight decay leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnnpy.nn import BatchNorm, GroupNorm, Layer, LayerNorm, Parameter
from cnnpy.optim import OPTIMIZERS, Optimizer
from cnnpy.train.training import Training

__all__ = ["make_optimizer"]

_NORMS = (BatchNorm, GroupNorm, LayerNorm)


def make_optimizer(model: Layer, training: Training) -> Optimizer:
    """Make the optimizer that a training asks for.

    Biases, and scales and shifts of norms, decay only where all do.

    Parameters
    ----------
    model : Layer
        The network, built.
    training : Training
        The settings.

    Returns
    -------
    Optimizer
        Of the network's parameters.
    """
    options: dict[str, Any] = {"lr": training.highest_lr}
    if training.weight_decay is not None:
        options["weight_decay"] = training.weight_decay
    if training.optimizer == "sgd":
        options |= {"momentum": 0.9, "nesterov": True}
    stepper: Optimizer = OPTIMIZERS[training.optimizer](model.parameters(), **options)
    if not training.decay_all:
        spared = {id(p) for layer in model.walk() for p in _undecayed(layer)}
        stepper.spared = {k for k, p in enumerate(stepper.parameters) if id(p) in spared}
    return stepper


def _undecayed(layer: Layer) -> Iterator[Parameter]:
    """Give the biases of a layer, and all that a norm has."""
    for name, value in vars(layer).items():
        if isinstance(value, Parameter) and (
            name == "bias" or value.value.ndim <= 1 or isinstance(layer, _NORMS)
        ):
            yield value
