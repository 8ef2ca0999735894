"""What an augmentation is, and several one after the other."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import OptionError

__all__ = ["Augmentation", "Chain", "parts_of"]


class Augmentation(Protocol):
    """Change a batch of raw images, drawing from a generator."""

    def __call__(self, images: NDArray[Any], rng: np.random.Generator, /) -> NDArray[Any]:
        """Return a new batch (N, C, H, W)."""


class Chain:
    """Apply several augmentations, one after the other.

    Parameters
    ----------
    *augmentations : callable
        Each takes a batch and a generator, and returns a batch.

    Raises
    ------
    OptionError
        If one of them cannot be called.

    Examples
    --------
    >>> from cnnpy.data import Chain, RandomFlip, RandomShift
    >>> Chain(RandomFlip(), RandomShift(4))
    Chain(RandomFlip(), RandomShift(4))
    """

    def __init__(self, *augmentations: Augmentation) -> None:
        for augmentation in augmentations:
            if not callable(augmentation):
                raise OptionError(
                    f"chain: {augmentation!r}",
                    "augmentations, called with a batch and a generator",
                    "use Chain(RandomFlip(), RandomShift(2))",
                )
        self.augmentations = augmentations

    def __call__(self, images: NDArray[Any], rng: np.random.Generator, /) -> NDArray[Any]:
        """Change a batch of images (N, C, H, W)."""
        for augmentation in self.augmentations:
            images = augmentation(images, rng)
        return images

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.augmentations == self.augmentations

    def __hash__(self) -> int:
        return hash(self.augmentations)

    def __repr__(self) -> str:
        return f"Chain({', '.join(repr(augmentation) for augmentation in self.augmentations)})"


def parts_of(augment: Augmentation | None) -> list[Augmentation]:
    """Take chains apart; one of a user's own may do anything, and stays whole."""
    if augment is None:
        return []
    if type(augment) is not Chain:
        return [augment]
    return [part for inner in augment.augmentations for part in parts_of(inner)]
