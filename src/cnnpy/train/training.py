"""Training: how a network is trained, as plain data that goes into a TOML file and out of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from cnnpy.contract.errors import OptionError
from cnnpy.contract.options import Parser, choice, flag, integer, nearest, real, written
from cnnpy.data import Augmentation, Mixing, augment, mixing
from cnnpy.nn import Loss
from cnnpy.optim import OPTIMIZERS, SCHEDULES

__all__ = ["DEFAULT_LR", "Training"]

DEFAULT_LR: Mapping[str, float] = MappingProxyType(
    {"sgd": 0.05, "rmsprop": 0.001, "adam": 0.002, "adamw": 0.002}
)
"""The highest learning rate of each optimizer, where none is given."""

_WHERE = "training"

_LOSSES_OF_CLASSES = ("softmax_cross_entropy", "hinge")
_MOST = 10**9


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Parameters
    ----------
    epochs : int
        How often each image is seen.
    batch_size : int
        Images a batch.
    accumulate : int
        Batches a step: gradients are averaged over their images before the weights change.
    optimizer : {"adamw", "adam", "sgd", "rmsprop"}
        The optimizer; "sgd" with Nesterov momentum 0.9.
    lr : float, optional
        The highest learning rate; :data:`DEFAULT_LR` by default.
    weight_decay : float, optional
        The optimizer's own by default.
    decay_all : bool
        Whether biases and the scales and shifts of norms decay too.
    schedule : {"one-cycle", "cosine", "step", "constant"}
        How the learning rate goes.
    warmup_epochs : float
        Epochs in which the learning rate rises before.
    loss : str or Loss
        "softmax_cross_entropy" or "hinge", or an object that takes class indices.
    label_smoothing : float
        Share of the wanted probability that is spread over all classes, 0 to 1.
    class_weights : "balanced" or tuple of float, optional
        How much the images of each class count; "balanced" lets all classes count alike.
    clip_norm : float, optional
        The longest that all gradients together may be; longer ones are shortened.
    augment : callable, optional
        Of ``(images, rng)``: changes each batch before it is preprocessed.
    mixing : callable, optional
        Of ``(x, targets, rng)``: mixes the images of a batch and their wanted probabilities.
    ema_decay : float, optional
        Share of the old that an exponential average of the weights keeps at each step; the
        average is what is validated and kept.
    swa_epochs : int
        The last so many epochs, whose weights are averaged; the last epoch is judged with
        the average.
    swa_lr : float, optional
        A constant learning rate in those epochs; that of the schedule by default.
    patience : int, optional
        Epochs without a better validation after which training stops early.
    on_nonfinite : {"stop", "skip"}
        What to do where the loss or a gradient is not finite: stop with an error, or leave
        the step out.
    seed : int
        Decides everything that chance decides.

    Raises
    ------
    OptionError
        Where a value is out of its range.

    References
    ----------
    .. [1] C. Szegedy et al., "Rethinking the Inception architecture", CVPR 2016 (smoothing).
    .. [2] R. Pascanu et al., "On the difficulty of training recurrent neural networks",
       ICML 2013 (clipping).
    .. [3] P. Izmailov et al., "Averaging weights leads to wider optima and better
       generalization", UAI 2018 (stochastic weight averaging).

    Examples
    --------
    >>> Training(epochs=3).with_options(lr=0.01)
    Training(epochs=3, lr=0.01)
    >>> Training.from_dict({"optimizer": "sgd", "clip_norm": 1}).to_dict()
    {'optimizer': 'sgd', 'clip_norm': 1.0}
    """

    epochs: int = 10
    batch_size: int = 64
    accumulate: int = 1
    optimizer: str = "adamw"
    lr: float | None = None
    weight_decay: float | None = None
    decay_all: bool = False
    schedule: str = "one-cycle"
    warmup_epochs: float = 0.0
    loss: str | Loss = "softmax_cross_entropy"
    label_smoothing: float = 0.0
    class_weights: str | tuple[float, ...] | None = None
    clip_norm: float | None = None
    augment: Augmentation | None = None
    mixing: Mixing | None = None
    ema_decay: float | None = None
    swa_epochs: int = 0
    swa_lr: float | None = None
    patience: int | None = None
    on_nonfinite: str = "stop"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, parse in _PARSERS.items():
            value = getattr(self, name)
            if value is not None or name not in _MAY_BE_NONE:
                object.__setattr__(self, name, parse(_WHERE, name, value))
        self._check_together()

    def _check_together(self) -> None:
        soft = [name for name in _SOFT if getattr(self, name) not in (None, 0.0)]
        if soft and self.loss != "softmax_cross_entropy":
            raise OptionError(
                f"{_WHERE}: {soft[0]} with loss={self.loss!r}",
                "softmax_cross_entropy, the loss that takes wanted probabilities",
                f"leave {soft[0]} out, or use loss='softmax_cross_entropy'",
            )
        share = max(1, self.epochs // 4)
        clashes = (
            (
                self.warmup_epochs > self.epochs,
                f"warmup_epochs={self.warmup_epochs:g} of epochs={self.epochs}",
                "at most as many epochs to warm up as there are",
                f"use warmup_epochs={max(1, self.epochs // 10)}",
            ),
            (
                self.swa_epochs > self.epochs,
                f"swa_epochs={self.swa_epochs} of epochs={self.epochs}",
                "at most as many epochs to average as there are",
                f"use swa_epochs={share}",
            ),
            (
                self.swa_lr is not None and not self.swa_epochs,
                f"swa_lr={self.swa_lr} without swa_epochs",
                "the number of epochs that it is for",
                f"use swa_epochs={share}",
            ),
            (
                self.swa_epochs and self.patience is not None,
                f"swa_epochs={self.swa_epochs} and patience={self.patience}",
                "an average of the last epochs, or a training that may stop before them",
                "leave one of them out",
            ),
            (
                self.swa_epochs and self.ema_decay is not None,
                f"swa_epochs={self.swa_epochs} and ema_decay={self.ema_decay}",
                "one kind of average of the weights",
                "leave one of them out",
            ),
        )
        for clash, given, expected, mend in clashes:
            if clash:
                raise OptionError(f"{_WHERE}: {given}", expected, mend)

    @property
    def highest_lr(self) -> float:
        """Return the highest learning rate, the optimizer's own where none was given."""
        return DEFAULT_LR[self.optimizer] if self.lr is None else self.lr

    def with_options(self, **options: Any) -> Training:
        """Return the same with some options changed.

        Parameters
        ----------
        **options : object
            By name.

        Returns
        -------
        Training
            Another one.

        Raises
        ------
        OptionError
            Where there is no such option, or a value is out of its range.
        """
        _check_names(options)
        return dataclasses.replace(self, **options)

    def to_dict(self, *, whole: bool = False) -> dict[str, Any]:
        """Return what differs from the defaults, as TOML can write it.

        Parameters
        ----------
        whole : bool
            Whether to return what is as by default too, but for what is None.

        Returns
        -------
        dict of str to object
            Numbers, texts, lists and tables. A loss, augmentation or mixing of one's own is
            its text, which `from_dict` does not take back.
        """
        plain = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default or (whole and value is not None):
                plain[field.name] = _PLAIN.get(field.name, _plain)(value)
        return plain

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> Training:
        """Make it from a table of a TOML file.

        Parameters
        ----------
        options : mapping
            By the names of the parameters.

        Returns
        -------
        Training
            With the defaults for what is not there.

        Raises
        ------
        OptionError
            Where there is no such option, or a value is out of its range.
        """
        _check_names(options)
        return cls(**options)

    def __repr__(self) -> str:
        told = (f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"Training({', '.join(told)})"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, (bool, int, float, str)) else _name(value)


def _described(describe: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def plain(value: Any) -> Any:
        try:
            return describe(value)
        except OptionError:  # a function of one's own
            return _name(value)

    return plain


def _name(value: Any) -> str:
    """Name a function or object so that another process names it alike: without its address."""
    text = repr(value)
    if " at 0x" not in text:
        return text
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _check_names(options: Mapping[str, Any]) -> None:
    known = [field.name for field in dataclasses.fields(Training)]
    for name in options:
        if name not in known:
            raise OptionError(
                f"{_WHERE}: there is no option {written(name)}",
                "one of " + ", ".join(known),
                f"use {nearest(name, known)!r}",
            )


def _loss(where: str, name: str, value: object) -> object:
    return value if isinstance(value, Loss) else choice(*_LOSSES_OF_CLASSES)(where, name, value)


def _count(minimum: int) -> Parser:
    """Take a number of epochs, images or the like: not one that no clock could count."""

    def parse(where: str, name: str, value: object) -> int:
        number: int = integer(minimum)(where, name, value)
        if number > _MOST:
            raise OptionError(
                f"{where}: {name}={written(number)}", f"at most {_MOST}", f"use {name}={_MOST}"
            )
        return number

    return parse


def _class_weights(where: str, name: str, value: object) -> object:
    if isinstance(value, str) and value == "balanced":
        return value
    if isinstance(value, (list, tuple, np.ndarray)) and len(value):
        weights = tuple(real(0.0)(where, f"{name}[{k}]", w) for k, w in enumerate(value))
        if any(weights):
            return weights
    raise OptionError(
        f"{where}: {name}={written(value)}",
        '"balanced", or a weight for each class, not all of them 0',
        f'use {name}="balanced"',
    )


def _function(where: str, name: str, value: object) -> object:
    if name == "augment" and isinstance(value, list):
        return augment.restore(value)
    if name == "mixing" and isinstance(value, (dict, str)):
        return mixing.restore(value)
    if callable(value):
        return value
    raise OptionError(
        f"{where}: {name}={written(value)}",
        "a function of a batch and a generator, or a name with options, as in run.toml",
        "use augment=RandomShift(1)" if name == "augment" else "use mixing=Mixup(0.2)",
    )


_PARSERS: dict[str, Parser] = {
    "epochs": _count(1),
    "batch_size": _count(1),
    "accumulate": _count(1),
    "optimizer": choice(*OPTIMIZERS),
    "lr": real(0.0),
    "weight_decay": real(0.0),
    "decay_all": flag(),
    "schedule": choice(*SCHEDULES),
    "warmup_epochs": real(0.0),
    "loss": _loss,
    "label_smoothing": real(0.0, 1.0),
    "class_weights": _class_weights,
    "clip_norm": real(0.0, above=True),
    "augment": _function,
    "mixing": _function,
    "ema_decay": real(0.0, 1.0, below=True),
    "swa_epochs": _count(0),
    "swa_lr": real(0.0, above=True),
    "patience": _count(1),
    "on_nonfinite": choice("stop", "skip"),
    "seed": integer(0),
}

_PLAIN: dict[str, Callable[[Any], Any]] = {
    "augment": _described(augment.describe),
    "mixing": _described(mixing.describe),
}

_SOFT = ("label_smoothing", "class_weights", "mixing")

_MAY_BE_NONE = frozenset(
    field.name for field in dataclasses.fields(Training) if field.default is None
)
