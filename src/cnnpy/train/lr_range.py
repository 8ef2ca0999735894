"""The learning-rate range test: train with a rate that rises, and see where the loss falls.

The rate grows by the same factor from step to step; the loss falls while it is in its range, and
rises once it is too high. The highest rate of a schedule is a little below the place of the
lowest loss, where it still falls.

L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import OptionError, TrainingError
from cnnpy.contract.options import integer, real
from cnnpy.data import ImageSource
from cnnpy.data.loader import Batch
from cnnpy.nn import Layer
from cnnpy.train.loop import Run
from cnnpy.train.training import Training

__all__ = ["LrRange", "find_lr"]

_KEPT = 0.9
"""Share of the old in the running mean of the losses."""

_ASTRAY = 3.0
"""The test ends where the loss is so many times its lowest."""

_BELOW_THE_LOWEST = 5.0
"""The highest rate to train with is that of the lowest loss over this."""


@dataclass(frozen=True)
class LrRange:
    """What the range test came to.

    Parameters
    ----------
    lrs : ndarray of shape (S,) of float64
        The learning rate of each step.
    losses : ndarray of shape (S,) of float64
        The loss of each step, as a running mean over the steps before.
    lowest : float
        The learning rate where the loss was lowest.
    suggested : float
        The highest learning rate to train with.
    """

    lrs: NDArray[np.float64]
    losses: NDArray[np.float64]
    lowest: float
    suggested: float


class _RisingRun(Run):
    """A run whose learning rate is set from outside."""

    lr_now = 0.0

    def _lr(self) -> float:
        return self.lr_now


def find_lr(
    model: Layer,
    train: ImageSource,
    training: Training | None = None,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 150,
    **options: Any,
) -> LrRange:
    """Find the highest learning rate that a network can be trained with.

    Parameters
    ----------
    model : Layer
        The network; a copy of it is trained.
    train : ImageSource
        Images to learn from.
    training : Training, optional
        How it will be trained: optimizer, batch size, augmentation.
    lowest, highest : float
        The first and the last learning rate.
    steps : int
        Steps from one to the other.
    **options : object
        Parameters of :class:`Training` by name, in place of those of `training`.

    Returns
    -------
    LrRange
        The losses and what follows.

    Raises
    ------
    OptionError
        Where the rates are no range, or an option is out of its range.
    TrainingError
        Where the loss falls nowhere.

    Examples
    --------
    >>> import cnnpy
    >>> found = find_lr(cnnpy.models.small_cnn(10), cnnpy.data.digits(), batch_size=32)
    >>> 1e-4 < found.suggested < 1
    True
    """
    first, last = (real(0.0, above=True)("find_lr", "rate", rate) for rate in (lowest, highest))
    n = integer(10)("find_lr", "steps", steps)
    if last <= first:
        raise OptionError(
            f"find_lr: lowest={lowest:g}, highest={highest:g}",
            "a range that rises",
            f"use highest={100 * first:g}",
        )
    how = (training or Training()).with_options(**options)
    plain = how.with_options(ema_decay=None, swa_epochs=0, swa_lr=None, on_nonfinite="stop")
    run = _RisingRun(model.copy(), train, None, plain, ())
    return _range(*_losses(run, first * (last / first) ** (np.arange(n) / (n - 1))))


def _losses(run: _RisingRun, lrs: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Take a step with each rate; return the rates and losses until it goes astray."""
    used: list[float] = []
    losses: list[float] = []
    mean = 0.0
    batches: Iterator[Batch] = iter(())
    run.epoch, run.step = 0, run.steps_per_epoch
    for k, lr in enumerate(lrs.tolist()):
        if run.step == run.steps_per_epoch:
            run.epoch, run.step = run.epoch + 1, 0
            batches = run.batches()
        run.lr_now = lr
        before, n_before = run.sums.loss, run.sums.n_images
        try:
            run.take_step(batches)
        except TrainingError:
            break
        run.step += 1
        loss = (run.sums.loss - before) / (run.sums.n_images - n_before)
        mean = _KEPT * mean + (1 - _KEPT) * loss
        used.append(lr)
        losses.append(mean / (1 - _KEPT ** (k + 1)))
        if losses[-1] > _ASTRAY * min(losses) and k > 10:
            break
    return used, losses


def _range(used: list[float], losses: list[float]) -> LrRange:
    at = int(np.argmin(losses)) if losses else 0
    if not losses or losses[at] > 0.98 * losses[0] or not math.isfinite(losses[at]):
        raise TrainingError(
            "find_lr: the loss falls at no learning rate",
            "a network that can learn something of these images",
            "see whether it can learn a few by heart: cnnpy train --check",
        )
    return LrRange(
        np.array(used), np.array(losses), used[at], float(f"{used[at] / _BELOW_THE_LOWEST:.1g}")
    )
