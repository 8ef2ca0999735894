"""cnnpy as it competes: on its engine, and with the calls that a user writes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cnnpy import nn, optim
from cnnpy.backends import registry
from cnnpy.contract import OPS


def demand_the_engine() -> None:
    """Stop where any op would be computed by anything but the compiled engine."""
    current = registry.current()
    elsewhere = [op for op in OPS if registry.resolve(op, current).backend != "native"]
    if current != "native" or elsewhere:
        raise SystemExit(f"not on the engine: {current}, {', '.join(elsewhere)}")


def channels_last(array):
    """Lay images out as the engine's own outputs lie."""
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def training_step(model: nn.Layer, x, y, *, lr: float, momentum: float) -> Callable[[], float]:
    """Make a call that takes one step and returns its loss."""
    optimizer = optim.SGD(model.parameters(), lr, momentum=momentum)
    loss = nn.SoftmaxCrossEntropy()

    def step() -> float:
        scores, cache = model.forward(x, train=True)
        value, loss_cache = loss.forward(scores, y)
        optimizer.zero_grad()
        model.backward_parameters(loss.backward(loss_cache), cache)
        optimizer.step()
        return float(value)

    return step


def inference(model: nn.Layer, x) -> Callable[[], np.ndarray]:
    """Make a call that returns the scores of a batch: a session, as the others have one."""
    session = nn.InferenceSession(model)
    session(x)  # the first batch of a shape is recorded; what is checked is what is timed
    return lambda: session(x)
