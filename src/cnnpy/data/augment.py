"""Augmentations: seeded changes to training images that leave the class as it is.

An augmentation is called with a batch of raw images (N, C, H, W) and a random
generator, and returns a new batch; any function with these two arguments will do.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.contract.options import choice, integer, real
from cnnpy.contract.shapes import Shape

__all__ = ["Augmentation", "Chain", "RandomFlip", "RandomShift"]

_MODES: dict[str, Literal["constant", "edge"]] = {"zero": "constant", "edge": "edge"}


class Augmentation(Protocol):
    """Change a batch of raw images, drawing from a generator."""

    def __call__(self, images: NDArray[Any], rng: np.random.Generator, /) -> NDArray[Any]:
        """Return a new batch (N, C, H, W)."""


class RandomShift:
    """Shift each image by up to some pixels along both axes.

    Parameters
    ----------
    pixels : int
        The largest shift; each shift from ``-pixels`` to ``pixels`` is as likely.
    fill : {"zero", "edge"}
        What moves in at the border: 0, or the border's own pixels.

    Raises
    ------
    OptionError
        If pixels is negative, or fill is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(1, 10, dtype=np.uint8).reshape(1, 1, 3, 3)
    >>> RandomShift(1)(image, np.random.default_rng(0))[0, 0]
    array([[4, 5, 6],
           [7, 8, 9],
           [0, 0, 0]], dtype=uint8)
    """

    def __init__(self, pixels: int, fill: str = "zero") -> None:
        self.pixels: int = integer(0)("random_shift", "pixels", pixels)
        self.fill: str = choice(*_MODES)("random_shift", "fill", fill)

    def __call__(self, images: NDArray[Any], rng: np.random.Generator, /) -> NDArray[Any]:
        """Shift a batch of images (N, C, H, W)."""
        rows, columns = self._draw(images.shape, rng)
        N, _, H, W = images.shape
        p = self.pixels
        border = ((0, 0), (0, 0), (p, p), (p, p))
        padded = np.pad(images, border, _MODES[self.fill])
        windows = np.lib.stride_tricks.sliding_window_view(padded, (H, W), axis=(2, 3))
        shifted: NDArray[Any] = windows[np.arange(N), :, rows + p, columns + p]
        return shifted

    def _draw(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw for each image how far its first pixel is from the source's, down and right."""
        N, _, H, W = shape
        p = self.pixels
        if p >= min(H, W):
            raise ShapeError(
                f"random_shift: pixels={p}; images has shape {shape}",
                "a shift that leaves some of each image: below H and W",
                f"use pixels={max(min(H, W) // 8, min(1, min(H, W) - 1))}",
            )
        return rng.integers(0, 2 * p, size=(2, N), endpoint=True) - p

    def __repr__(self) -> str:
        return f"RandomShift({self.pixels}, fill={self.fill!r})"


class RandomFlip:
    """Mirror images left to right, each with some probability.

    Parameters
    ----------
    p : float
        The probability of being mirrored.

    Raises
    ------
    OptionError
        If p is no probability.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(4, dtype=np.uint8).reshape(1, 1, 2, 2)
    >>> RandomFlip(p=1.0)(image, np.random.default_rng(0))[0, 0]
    array([[1, 0],
           [3, 2]], dtype=uint8)
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p: float = real(0.0, 1.0)("random_flip", "p", p)

    def __call__(self, images: NDArray[Any], rng: np.random.Generator, /) -> NDArray[Any]:
        """Mirror a batch of images (N, C, H, W)."""
        chosen = self._draw(len(images), rng)
        out = images.copy()
        out[chosen] = images[chosen, :, :, ::-1]
        return out

    def _draw(self, N: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw for each image whether it is mirrored."""
        return rng.random(N) < self.p

    def __repr__(self) -> str:
        return f"RandomFlip(p={self.p:g})"


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
    >>> Chain(RandomFlip(), RandomShift(4))
    Chain(RandomFlip(p=0.5), RandomShift(4, fill='zero'))
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

    def __repr__(self) -> str:
        return f"Chain({', '.join(repr(augmentation) for augmentation in self.augmentations)})"


class Moves(NamedTuple):
    """Where the pixels of a batch come from.

    Parameters
    ----------
    table : ndarray of shape (N, 3)
        For each image a row, a column and 0 or 1: pixel (i, j) is that of the source at
        (i + row, j + column), or (i + row, W - 1 - j + column) where the last is 1.
    edge : bool
        What stands beyond the border: the border's own pixels, else 0.
    """

    table: NDArray[np.int32]
    edge: bool


def draw_moves(
    augment: Augmentation | None, shape: Shape, rng: np.random.Generator
) -> Moves | None:
    """Draw what an augmentation would, where all that it does is moving pixels once.

    Parameters
    ----------
    augment : callable or None
        None moves nothing.
    shape : tuple of int (N, C, H, W)
        The shape of the batch.
    rng : numpy.random.Generator
        Drawn from as the augmentation would.

    Returns
    -------
    Moves or None
        None where the augmentation does something else; then nothing was drawn.

    Raises
    ------
    ShapeError
        Where the augmentation would.
    """
    parts = _parts(augment)
    kinds = [type(part) for part in parts]
    # a second shift moves in what the first did, which is no longer the border's
    if not {RandomShift, RandomFlip}.issuperset(kinds) or kinds.count(RandomShift) > 1:
        return None
    moves = np.zeros((shape[0], 3), np.int32)
    rows, columns, flips = moves.T
    edge = False
    for part in parts:
        if isinstance(part, RandomShift):
            down, right = part._draw(shape, rng)
            rows += down
            columns += np.where(flips, -right, right)
            edge = part.fill == "edge"
        elif isinstance(part, RandomFlip):
            flips ^= part._draw(shape[0], rng)
    return Moves(moves, edge)


def _parts(augment: Augmentation | None) -> list[Augmentation]:
    """Take chains apart; one of a user's own may do anything, and stays whole."""
    if augment is None:
        return []
    if type(augment) is not Chain:
        return [augment]
    return [part for inner in augment.augmentations for part in _parts(inner)]
