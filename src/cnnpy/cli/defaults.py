"""What commands take where nothing else is asked for."""

from __future__ import annotations

from cnnpy.contract.shapes import Shape
from cnnpy.data import DATASETS, Augmentation, RandomShift

__all__ = ["DATA", "INPUT_SHAPES", "known_name", "usual_augmentation"]

DATA = "digits"

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


def usual_augmentation(shape: tuple[int, int, int]) -> Augmentation | None:
    """Return what changes images of one's own: shifts by an eighth of the smaller side."""
    pixels = min(shape[1:]) // 8
    return RandomShift(pixels) if pixels else None
