"""Schedules: the learning rate of each step, as a function of its number.

A schedule keeps no state: ``optimizer.lr = schedule(step)`` before each step. All
of them can warm up, from lr/warmup_steps to lr in a straight line.
"""

from __future__ import annotations

import math

from cnnpy.contract.errors import OptionError
from cnnpy.contract.options import integer, real

__all__ = ["SCHEDULES", "Constant", "Cosine", "OneCycle", "Schedule", "Step"]


class Schedule:
    """Give the learning rate of each step.

    A schedule of your own defines `after_warmup`.

    Parameters
    ----------
    lr : float
        The highest learning rate.
    n_steps : int
        Steps of the whole training.
    warmup_steps : int
        Steps in which the learning rate rises to `lr`.

    Raises
    ------
    OptionError
        Where an option is out of its range.
    """

    def __init__(self, lr: float, n_steps: int, *, warmup_steps: int = 0) -> None:
        name = type(self).__name__
        self.lr: float = real(0.0)(name, "lr", lr)
        self.n_steps: int = integer(1)(name, "n_steps", n_steps)
        self.warmup_steps: int = integer(0)(name, "warmup_steps", warmup_steps)
        if self.warmup_steps >= self.n_steps:
            raise OptionError(
                f"{name}: warmup_steps={warmup_steps} with n_steps={n_steps}",
                "a warm-up shorter than the training",
                f"use warmup_steps={max(self.n_steps // 10, 0)}",
            )

    def __call__(self, step: int) -> float:
        """Return the learning rate of a step, the first being 0."""
        if step < self.warmup_steps:
            return self.lr * (step + 1) / self.warmup_steps
        n = self.n_steps - self.warmup_steps
        return self.after_warmup(min((step - self.warmup_steps) / n, 1.0))

    def after_warmup(self, progress: float) -> float:
        """Return the learning rate at a share of the training after the warm-up.

        Parameters
        ----------
        progress : float
            0 right after the warm-up, 1 at the end.

        Returns
        -------
        float
            The learning rate.
        """
        raise TypeError(f"{type(self).__name__} has no after_warmup(self, progress)")


class Constant(Schedule):
    """Keep the learning rate.

    Parameters
    ----------
    lr : float
        The learning rate.
    n_steps : int
        Steps of the whole training.
    warmup_steps : int
        Steps in which the learning rate rises to `lr`.

    Examples
    --------
    >>> [Constant(0.5, 10, warmup_steps=2)(step) for step in (0, 1, 2, 9)]
    [0.25, 0.5, 0.5, 0.5]
    """

    def after_warmup(self, progress: float) -> float:
        """Return lr."""
        return self.lr


class Step(Schedule):
    """Multiply the learning rate by a factor at some shares of the training.

    Parameters
    ----------
    lr : float
        The first learning rate.
    n_steps : int
        Steps of the whole training.
    warmup_steps : int
        Steps in which the learning rate rises to `lr`.
    milestones : tuple of float
        Shares of the training after the warm-up, between 0 and 1.
    factor : float
        What the learning rate is multiplied by at each.

    Examples
    --------
    >>> schedule = Step(1.0, 100)
    >>> [round(schedule(step), 6) for step in (0, 49, 50, 75, 99)]
    [1.0, 1.0, 0.1, 0.01, 0.01]
    """

    def __init__(
        self,
        lr: float,
        n_steps: int,
        *,
        warmup_steps: int = 0,
        milestones: tuple[float, ...] = (0.5, 0.75),
        factor: float = 0.1,
    ) -> None:
        super().__init__(lr, n_steps, warmup_steps=warmup_steps)
        self.milestones: tuple[float, ...] = tuple(
            real(0.0, 1.0)("Step", "milestones", m) for m in milestones
        )
        self.factor: float = real(0.0)("Step", "factor", factor)

    def after_warmup(self, progress: float) -> float:
        """Return lr times the factor for each milestone that was passed."""
        return self.lr * self.factor ** sum(progress >= m for m in self.milestones)


class Cosine(Schedule):
    """Let the learning rate fall to an end along half a cosine.

    Parameters
    ----------
    lr : float
        The first learning rate.
    n_steps : int
        Steps of the whole training.
    warmup_steps : int
        Steps in which the learning rate rises to `lr`.
    final_lr : float
        The last learning rate.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm
       restarts", ICLR 2017.

    Examples
    --------
    >>> schedule = Cosine(1.0, 100)
    >>> [round(schedule(step), 6) for step in (0, 50, 100)]
    [1.0, 0.5, 0.0]
    """

    def __init__(
        self, lr: float, n_steps: int, *, warmup_steps: int = 0, final_lr: float = 0.0
    ) -> None:
        super().__init__(lr, n_steps, warmup_steps=warmup_steps)
        self.final_lr: float = real(0.0)("Cosine", "final_lr", final_lr)

    def after_warmup(self, progress: float) -> float:
        """Return what half a cosine gives."""
        return _cosine(self.lr, self.final_lr, progress)


class OneCycle(Schedule):
    """Let the learning rate rise and fall once, each along half a cosine.

    From lr/25 to lr over the first share of the training, then to lr/250,000.

    Parameters
    ----------
    lr : float
        The highest learning rate.
    n_steps : int
        Steps of the whole training.
    warmup_steps : int
        Steps in which the learning rate rises in a straight line before.
    rise : float
        The share of the training in which the learning rate rises, between 0 and 1.

    References
    ----------
    .. [1] L. N. Smith, N. Topin, "Super-convergence", arXiv:1708.07120, 2017.

    Examples
    --------
    >>> schedule = OneCycle(1.0, 100)
    >>> [round(schedule(step), 6) for step in (0, 30, 100)]
    [0.04, 1.0, 4e-06]
    """

    def __init__(
        self, lr: float, n_steps: int, *, warmup_steps: int = 0, rise: float = 0.3
    ) -> None:
        super().__init__(lr, n_steps, warmup_steps=warmup_steps)
        self.rise: float = real(0.0, 1.0, above=True, below=True)("OneCycle", "rise", rise)

    def after_warmup(self, progress: float) -> float:
        """Return what two half cosines give."""
        first = self.lr / 25
        if progress < self.rise:
            return _cosine(first, self.lr, progress / self.rise)
        return _cosine(self.lr, first / 1e4, (progress - self.rise) / (1 - self.rise))


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "step": Step,
    "cosine": Cosine,
    "one-cycle": OneCycle,
}


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
