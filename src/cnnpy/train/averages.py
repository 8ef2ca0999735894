"""Averages of the weights over the steps (EMA) or the last epochs (SWA) of a training run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.nn import BatchNorm, Layer

__all__ = ["AverageWeights", "in_place_of", "measure_statistics"]

State = dict[str, NDArray[Any]]


class AverageWeights:
    """Average the state of a network as it is trained.

    Parameters
    ----------
    model : Layer
        The network, built; its state now is the first average.
    decay : float, optional
        Share of the old that an exponential average keeps; it is less in the first steps,
        ``(1 + n) / (10 + n)`` after n of them, so that the first weights are soon forgotten.
        Without it all states count alike.

    Attributes
    ----------
    n : int
        How many states were averaged.
    state : dict of str to ndarray
        The average.

    Examples
    --------
    >>> from cnnpy import nn
    >>> model = nn.Linear(1)
    >>> _ = model.build((1,), seed=0)
    >>> average = AverageWeights(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     model.bias.value[:] = value; average.add(model)
    >>> print(average.state["bias"])
    [3.]
    """

    def __init__(self, model: Layer, decay: float | None = None) -> None:
        self.decay = decay
        self.n = 0
        self.state = model.state_dict()

    def add(self, model: Layer) -> None:
        """Add the network's state as it is now.

        Parameters
        ----------
        model : Layer
            The network.
        """
        new = 1 / (self.n + 1)
        if self.decay is not None:
            new = 1 - min(self.decay, (1 + self.n) / (10 + self.n))
        for name, array in _arrays(model).items():
            mean = self.state[name]
            if mean.dtype.kind == "f":
                mean += mean.dtype.type(new) * (array - mean)
            else:  # a count of batches has no mean
                mean[...] = array
        self.n += 1

    def load(self, state: Mapping[str, NDArray[Any]], n: int) -> None:
        """Go on from an average that was saved.

        Parameters
        ----------
        state : mapping of str to ndarray
            The average.
        n : int
            Of how many states.
        """
        for name, mean in self.state.items():
            mean[...] = state[name]
        self.n = n


@contextlib.contextmanager
def in_place_of(model: Layer, state: Mapping[str, NDArray[Any]] | None) -> Iterator[None]:
    """Let a network have another state for a while; None lets it be.

    Parameters
    ----------
    model : Layer
        The network.
    state : mapping of str to ndarray or None
        As of `state_dict`.
    """
    if state is None:
        yield
        return
    own = model.state_dict()
    model.load_state_dict(state)
    try:
        yield
    finally:
        model.load_state_dict(own)


def measure_statistics(model: Layer, batches: Iterable[FloatArray]) -> None:
    """Let the batch norms measure their statistics anew: averaged weights have others.

    Parameters
    ----------
    model : Layer
        The network; its running statistics are set to the means over the batches.
    batches : iterable of ndarray (N, C, H, W)
        As the network takes them.
    """
    norms = [layer for layer in model.walk() if isinstance(layer, BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    own = [(generator, generator.bit_generator.state) for _, generator in model.named_generators()]
    try:
        for k, x in enumerate(batches if norms else ()):
            for norm in norms:
                norm.momentum = 1 / (k + 1)
            model.forward(x, train=True)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for generator, state in own:
            generator.bit_generator.state = state


def _arrays(model: Layer) -> dict[str, NDArray[Any]]:
    return {n: p.value for n, p in model.named_parameters()} | dict(model.named_buffers())
