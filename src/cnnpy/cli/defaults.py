"""What ``cnnpy train`` does with each data set where nothing else is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from cnnpy.contract.shapes import Shape
from cnnpy.data import DATASETS, Augmentation, Chain, RandomFlip, RandomShift
from cnnpy.train.training import DEFAULT_LR

__all__ = ["DATA", "INPUT_SHAPES", "MODEL", "RECIPES", "Recipe", "augmentation", "known_name"]

DATA = "digits"
MODEL = "small_cnn"


@dataclass(frozen=True)
class Recipe:
    """The settings that suit a data set.

    Parameters
    ----------
    epochs : int
        How often each image is seen.
    batch_size : int
        Images a step.
    optimizer, schedule : str
        Their names.
    lr : float or None
        The highest learning rate for this optimizer; None takes the optimizer's own.
    weight_decay : float or None
        For this optimizer; None takes the optimizer's own.
    shift : int or None
        Pixels by which training images are shifted at most; None takes an eighth of
        the smaller side.
    flip : bool
        Whether training images are mirrored left to right.
    augment : bool
        Whether training images are changed where nothing else is asked for.
    """

    epochs: int = 20
    batch_size: int = 64
    optimizer: str = "adamw"
    schedule: str = "one-cycle"
    lr: float | None = None
    weight_decay: float | None = None
    shift: int | None = None
    flip: bool = False
    augment: bool = True

    def lr_of(self, optimizer: str) -> float:
        """Return the learning rate for an optimizer, the recipe's for its own."""
        if optimizer == self.optimizer and self.lr is not None:
            return self.lr
        return DEFAULT_LR[optimizer]

    def weight_decay_of(self, optimizer: str) -> float | None:
        """Return the weight decay for an optimizer, None for what it has by itself."""
        return self.weight_decay if optimizer == self.optimizer else None


OTHER = "other data"

RECIPES = MappingProxyType(
    {
        "digits": Recipe(epochs=20, batch_size=32, lr=0.004, shift=1),
        "mnist": Recipe(epochs=5, batch_size=64, shift=2),
        "fashion-mnist": Recipe(epochs=10, batch_size=64, shift=0, flip=True, lr=0.004),
        "cifar10": Recipe(epochs=20, batch_size=64, shift=4, flip=True),
        OTHER: Recipe(epochs=20, batch_size=32),
    }
)

INPUT_SHAPES: dict[str, Shape] = {
    "small_cnn": (1, 8, 8),
    "threelayer": (3, 32, 32),
    "lenet5": (1, 28, 28),
    "vgg_small": (3, 32, 32),
    "resnet20": (3, 32, 32),
    "resnet18": (3, 224, 224),
    "mobilenet_v2": (3, 224, 224),
}
"""The images that each network was made for, which ``cnnpy summary`` shows it with."""


def known_name(data: str) -> str | None:
    """Return the name in the catalogue that `data` means, None for a path."""

    def plain(name: str) -> str:
        return name.lower().replace("-", "").replace("_", "")

    return next((name for name in DATASETS if plain(name) == plain(data)), None)


def augmentation(recipe: Recipe, shape: tuple[int, int, int]) -> Augmentation | None:
    """Return what changes training images of a shape, None where nothing would."""
    shift = min(shape[1:]) // 8 if recipe.shift is None else recipe.shift
    parts: list[Augmentation] = [RandomShift(shift)] if shift else []
    parts += [RandomFlip()] if recipe.flip else []
    return Chain(*parts) if len(parts) > 1 else next(iter(parts), None)
