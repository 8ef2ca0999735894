"""Profile: how long each layer takes, how much it keeps, and how fast it computes."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import ShapeError
from cnnpy.contract.options import integer
from cnnpy.contract.shapes import Shape
from cnnpy.nn import Layer, Sequential
from cnnpy.nn.containers import Container, Joint
from cnnpy.nn.watch import Seen, Watched

__all__ = ["LayerTime", "Profile", "profile"]


class LayerTime(NamedTuple):
    """One layer in a step of training, run by itself.

    Parameters
    ----------
    name, layer : str
        Its name, and itself as text.
    output_shape : tuple of int
        Of one image.
    forward_ms, backward_ms : float
        Of the whole batch, the median of the repeats.
    share : float
        Of the time of all layers, 0 to 1.
    activation_bytes : int
        What its output takes, of the whole batch; training keeps it until backward.
    flops : int
        Floating-point operations of the forward pass of the whole batch; 0 where unknown.
    """

    name: str
    layer: str
    output_shape: Shape
    forward_ms: float
    backward_ms: float
    share: float
    activation_bytes: int
    flops: int

    @property
    def gflops_per_s(self) -> float:
        """Return 10^9 operations a second of the forward pass, as the definition counts them."""
        return self.flops / (self.forward_ms * 1e6) if self.forward_ms else np.nan


@dataclass(frozen=True)
class Profile:
    """Where a network's time goes.

    The layers are timed one by one; as a whole, neighbours run in one go, so that the
    whole takes another time than the sum: less, mostly.

    Parameters
    ----------
    rows : tuple of LayerTime
        In the order in which the layers run. What a container does itself, adding or laying
        together its branches, is a row under the container's name.
    n_images : int
        Images in the batch.
    forward_ms, backward_ms : float
        Of a training step as it really runs, fused; without the optimizer.
    inference_ms : float
        Of the outputs alone, fused.
    """

    rows: tuple[LayerTime, ...]
    n_images: int
    forward_ms: float
    backward_ms: float
    inference_ms: float

    @property
    def sum_ms(self) -> float:
        """Return the time of all layers, forward and backward, one by one."""
        return sum(row.forward_ms + row.backward_ms for row in self.rows)

    @property
    def step_ms(self) -> float:
        """Return the time of both passes as they really run."""
        return self.forward_ms + self.backward_ms

    @property
    def activation_bytes(self) -> int:
        """Return the memory of all outputs of the batch."""
        return sum(row.activation_bytes for row in self.rows)

    @property
    def flops(self) -> int:
        """Return the operations of the forward pass of the batch."""
        return sum(row.flops for row in self.rows)


def profile(model: Layer, x: FloatArray, *, repeats: int = 10) -> Profile:
    """Time each layer of a network on a batch, and the network as a whole.

    Parameters
    ----------
    model : Layer
        The network; it is built if it is not, and stays as it is otherwise.
    x : ndarray of shape (N, ...)
        A batch, as the network takes it.
    repeats : int
        Training steps of which the medians are taken, after one that is not counted. Steps
        layer by layer and as a whole take turns, so that both meet what else the machine
        does.

    Returns
    -------
    Profile
        A row a layer, and the whole.

    Raises
    ------
    OptionError
        Where `repeats` is no positive integer.
    ShapeError
        Where the batch is empty, or does not fit the network.

    Examples
    --------
    >>> from cnnpy import models
    >>> found = profile(models.small_cnn(), np.ones((4, 1, 8, 8), dtype=np.float32), repeats=1)
    >>> [row.name for row in found.rows][:3]
    ['conv1', 'bn1', 'relu1']
    >>> found.rows[0].activation_bytes, found.rows[0].flops
    (32768, 147456)
    """
    repeats = integer(1)("profile", "repeats", repeats)
    if not len(x):
        raise ShapeError("profile: the batch is empty", "at least one input", "give some inputs")
    model.ensure_built(x)
    whole = model.copy()
    layers, steps, inferences = [], [], []
    with Watched(model, learns=True, keep=False) as watched:
        for _ in range(repeats + 1):
            layers.append(_time_layers(watched, x))
            steps.append(_time_step(whole, x))
            inferences.append(_seconds(lambda: whole.infer(x)))
        seen = dict(watched.seen)
    times = {name: _medians([step[name] for step in layers[1:]]) for name in layers[0]}
    total = sum(map(sum, times.values())) or 1.0
    shapes = _shapes(model, x)
    rows = tuple(
        _row(seen[name], *both, total, len(x), shapes[name]) for name, both in times.items()
    )
    return Profile(rows, len(x), *_medians(steps[1:]), 1e3 * statistics.median(inferences[1:]))


def _medians(seconds: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the medians of forward and of backward, in milliseconds."""
    forward, backward = zip(*seconds, strict=True)
    return 1e3 * statistics.median(forward), 1e3 * statistics.median(backward)


def _time_layers(watched: Watched, x: FloatArray) -> dict[str, tuple[float, float]]:
    """Take one step; return the seconds of each layer less those of the layers inside it."""
    out, cache = watched.forward(x, train=True)
    watched.backward_parameters(np.ones_like(out), cache)
    watched.model.zero_grad()
    own = {
        name: [one.forward_s, one.backward_s]
        for name, one in watched.seen.items()
        if one.is_leaf or not isinstance(one.layer, Sequential)
    }
    for name, one in watched.seen.items():
        above = name.rpartition(".")[0]
        if name and above in own:
            own[above][0] -= one.forward_s
            own[above][1] -= one.backward_s
    return {name: (max(forward, 0.0), max(back, 0.0)) for name, (forward, back) in own.items()}


def _time_step(model: Layer, x: FloatArray) -> tuple[float, float]:
    """Take one step as it really runs; return the seconds of forward and backward."""
    began = time.perf_counter()
    out, cache = model.forward(x, train=True)
    forward = time.perf_counter() - began
    dout = np.ones_like(out)
    backward = _seconds(lambda: model.backward_parameters(dout, cache))
    model.zero_grad()
    return forward, backward


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


class _Shapes(NamedTuple):
    """The shapes of one input and one output of a layer, and the bytes of a number."""

    input_shape: Shape
    output_shape: Shape
    itemsize: int


def _shapes(model: Layer, x: FloatArray) -> dict[str, _Shapes]:
    """Find them on one input, whose arrays are small."""
    with Watched(model) as watched:
        watched.forward(x[:1])
        return {
            name: _Shapes(one.x.shape[1:], one.out.shape[1:], one.out.itemsize)
            for name, one in watched.seen.items()
            if one.x is not None and one.out is not None
        }


def _row(
    seen: Seen,
    forward_ms: float,
    backward_ms: float,
    total_ms: float,
    N: int,
    shapes: _Shapes,
) -> LayerTime:
    layer = seen.layer
    joints = layer.parts(shapes.input_shape) if isinstance(layer, Container) else ()
    own = sum(part.flops for part in joints if isinstance(part, Joint))
    return LayerTime(
        name=seen.name,
        layer=repr(layer) if seen.is_leaf else type(layer).__name__,
        output_shape=shapes.output_shape,
        forward_ms=forward_ms,
        backward_ms=backward_ms,
        share=(forward_ms + backward_ms) / total_ms,
        activation_bytes=N * math.prod(shapes.output_shape) * shapes.itemsize,
        flops=N * (layer.flops(shapes.input_shape) if seen.is_leaf else own),
    )
