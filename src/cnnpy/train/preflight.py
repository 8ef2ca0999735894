"""What can be tried before a long run: whether gradients are right, and a few images learned.

A wrong backward pass, a network that passes nothing on, a loss that does not fit: each shows in
seconds on one batch, and only after hours in the curves of a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.check.gradcheck import directional
from cnnpy.data import ImageSource, Preprocessing
from cnnpy.nn import Layer
from cnnpy.train.objective import Objective
from cnnpy.train.stepper import make_optimizer
from cnnpy.train.training import Training

__all__ = ["Finding", "preflight"]

_GRADIENT_IMAGES = 8
_IMAGES = 32
_STEPS = 400
_EVERY = 10
_LEARNED = 0.1
"""The share of the first loss below which images count as learned by heart."""

_SMALL = 0.05
"""A loss below which they do whatever it was at first."""

_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Finding:
    """What a trial came to.

    Parameters
    ----------
    passed : bool
        Whether all is well.
    text : str
        One line.
    """

    passed: bool
    text: str


def preflight(
    model: Layer, train: ImageSource, training: Training | None = None, **options: Any
) -> list[Finding]:
    """Check gradients on one batch, and see whether a few images can be learned by heart.

    Parameters
    ----------
    model : Layer
        The network; it is built if it is not, and copies of it are tried.
    train : ImageSource
        Images to learn from.
    training : Training, optional
        How it will be trained.
    **options : object
        Parameters of :class:`Training` by name, in place of those of `training`.

    Returns
    -------
    list of Finding
        Of the gradients, and of the images.

    Raises
    ------
    OptionError
        Where an option is out of its range.

    Examples
    --------
    >>> import cnnpy
    >>> for finding in preflight(cnnpy.models.small_cnn(10), cnnpy.data.digits()):
    ...     print(finding.passed)
    True
    True
    """
    how = (training or Training()).with_options(**options)
    preprocessing = Preprocessing.fit(train)
    model.build(train.shape, dtype=preprocessing.dtype, seed=how.seed)
    labels = train.labels.astype(np.int64, copy=False)
    chosen = _spread(labels, how.seed)
    x, y = preprocessing.apply(train.read(chosen)), labels[chosen]
    plain = how.with_options(label_smoothing=0.0, class_weights=None, mixing=None)
    few = slice(0, _GRADIENT_IMAGES)
    return [
        _gradients(model.copy(), Objective(how, train), x[few], y[few], how.seed),
        _by_heart(model.copy(), Objective(plain, train), x, y, how),
    ]


def _spread(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Choose images of all classes in turn, as far as there are such."""
    order = np.random.default_rng(seed).permutation(len(labels))
    turn = np.zeros(len(labels), dtype=np.int64)
    for k in np.unique(labels):
        mine = labels[order] == k
        turn[mine] = np.arange(mine.sum())
    return order[np.argsort(turn, kind="stable")][:_IMAGES]


def _gradients(
    model: Layer, objective: Objective, x: NDArray[Any], y: NDArray[np.int64], seed: int
) -> Finding:
    """Hold the gradient of the loss, by all parameters, against differences in float64."""
    _to_float64(model)
    parameters = [p for p in model.parameters() if p.trainable]
    chance = [(g, g.bit_generator.state) for _, g in model.named_generators()]
    x = x.astype(np.float64)

    def forward(values: Sequence[NDArray[Any]]) -> tuple[Any, Any]:
        for generator, state in chance:  # the same masks each time
            generator.bit_generator.state = state
        for parameter, value in zip(parameters, values, strict=True):
            parameter.value[...] = value
        scores, cache = model.forward(x, train=True)
        loss, dscores = objective.measure(scores, y)
        return np.array(loss), (dscores, cache)

    def backward(dout: Any, cache: Any) -> list[NDArray[Any]]:
        dscores, inner = cache
        for parameter in parameters:
            parameter.zero_grad()
        model.backward_parameters(dscores * dout, inner)
        return [np.zeros_like(p.value) if p.grad is None else p.grad for p in parameters]

    values = [p.value.copy() for p in parameters]
    slope = directional(forward, backward, [values], seed=seed, tolerance=_TOLERANCE)
    if slope.kink:
        return Finding(True, "gradients: a kink at every point that was tried, nothing can be said")
    words = "agree with" if slope.passed else "differ from"
    return Finding(
        bool(slope.passed),
        f"gradients {words} differences of the loss, relative error {slope.relative_error:.0e}",
    )


def _by_heart(
    model: Layer, objective: Objective, x: NDArray[Any], y: NDArray[np.int64], how: Training
) -> Finding:
    """Train on the same few images until they are learned, or for long enough."""
    stepper = make_optimizer(model, how)
    first = float(objective.loss.forward(model.infer(x), y)[0])
    loss = first
    for step in range(1, _STEPS + 1):
        scores, cache = model.forward(x, train=True)
        _, dscores = objective.measure(scores, y)
        stepper.zero_grad()
        model.backward_parameters(dscores, cache)
        stepper.step()
        if step % _EVERY == 0:
            scores = model.infer(x)
            loss = float(objective.loss.forward(scores, y)[0])
            if (scores.argmax(axis=1) == y).all() and loss < max(_LEARNED * first, _SMALL):
                return Finding(True, f"{len(y)} images are learned by heart in {step} steps")
    right = int((model.infer(x).argmax(axis=1) == y).sum())
    return Finding(
        False,
        f"{len(y)} images are not learned by heart: after {_STEPS} steps {right} are right, "
        f"the loss went from {first:.3g} to {loss:.3g}",
    )


def _to_float64(model: Layer) -> None:
    for parameter in model.parameters():
        parameter.value = parameter.value.astype(np.float64)
    for layer in model.walk():
        for name in layer.buffer_names:
            buffer = vars(layer).get(name)
            if isinstance(buffer, np.ndarray) and buffer.dtype.kind == "f":
                setattr(layer, name, buffer.astype(np.float64))
