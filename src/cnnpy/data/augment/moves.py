"""Augmentations that only move pixels: shifts, crops and flips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import ShapeError
from cnnpy.contract.options import Parser, choice, integer, pair, real
from cnnpy.contract.shapes import Shape
from cnnpy.data.dataset import check_images
from cnnpy.data.described import Described, optional

__all__ = ["RandomCrop", "RandomFlip", "RandomShift"]

_MODES: dict[str, Literal["constant", "edge", "reflect"]] = {
    "zero": "constant",
    "edge": "edge",
    "reflect": "reflect",
}
_AXES = {"horizontal": 3, "vertical": 2}


@dataclass(frozen=True, repr=False)
class RandomShift(Described):
    """Shift each image by up to some pixels along both axes.

    Parameters
    ----------
    pixels : int
        The largest shift; each shift from ``-pixels`` to ``pixels`` is as likely.
    fill : {"zero", "edge", "reflect"}
        What moves in at the border: 0, the border's own pixels, or the image mirrored at them.

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

    pixels: int
    fill: str = "zero"

    NAME: ClassVar[str] = "random_shift"
    CHECKS: ClassVar[Mapping[str, Parser]] = {"pixels": integer(0), "fill": choice(*_MODES)}

    def __call__(self, images: NDArray[Any], rng: np.random.Generator, /) -> NDArray[Any]:
        """Shift a batch of images (N, C, H, W)."""
        images = check_images(self.NAME, images)
        rows, columns = self.draw(images.shape, rng)
        return _windows(images, rows, columns, images.shape[2:], self.pixels, self.fill)

    def draw(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw where each image's first pixel is from, (2, N): its row and its column.

        Parameters
        ----------
        shape : tuple of int (N, C, H, W)
            The shape of the batch.
        rng : numpy.random.Generator
            What is drawn from.

        Returns
        -------
        ndarray of shape (2, N)
            From ``-pixels`` to ``pixels``.
        """
        N, _, H, W = shape
        p = self.pixels
        if p >= min(H, W):
            raise ShapeError(
                f"random_shift: pixels={p}; images has shape {shape}",
                "a shift that leaves some of each image: below H and W",
                f"use pixels={max(min(H, W) // 8, min(1, min(H, W) - 1))}",
            )
        return rng.integers(0, 2 * p, size=(2, N), endpoint=True) - p


@dataclass(frozen=True, repr=False)
class RandomCrop(Described):
    """Cut a window out of each image, at a random place in it and its padding.

    With the images' own size and a padding of 4, as for CIFAR-10, it is a shift.

    Parameters
    ----------
    size : int or pair of int, optional
        Height and width of the window; those of the images by default.
    padding : int
        Pixels to add on all four sides before.
    fill : {"zero", "edge", "reflect"}
        What the padding is: 0, the border's own pixels, or the image mirrored at them.

    Raises
    ------
    OptionError
        If an option is out of range.
    ShapeError
        When called, if the window is larger than the padded image, or the padding so wide
        that a window could miss the image.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(1, 10, dtype=np.uint8).reshape(1, 1, 3, 3)
    >>> RandomCrop(2)(image, np.random.default_rng(0))[0, 0]
    array([[5, 6],
           [8, 9]], dtype=uint8)
    >>> RandomCrop(padding=4)
    RandomCrop(padding=4)
    """

    size: tuple[int, int] | None = None
    padding: int = 0
    fill: str = "zero"

    NAME: ClassVar[str] = "random_crop"
    CHECKS: ClassVar[Mapping[str, Parser]] = {
        "size": optional(pair(1)),
        "padding": integer(0),
        "fill": choice(*_MODES),
    }

    def __call__(self, images: NDArray[Any], rng: np.random.Generator, /) -> NDArray[Any]:
        """Cut a window out of each image (N, C, H, W)."""
        images = check_images(self.NAME, images)
        rows, columns = self.draw(images.shape, rng)
        size = self.size or images.shape[2:]
        return _windows(images, rows, columns, size, self.padding, self.fill)

    def draw(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw where each window's first pixel is from, (2, N): its row and its column.

        Parameters
        ----------
        shape : tuple of int (N, C, H, W)
            The shape of the batch.
        rng : numpy.random.Generator
            What is drawn from.

        Returns
        -------
        ndarray of shape (2, N)
            From ``-padding`` on.
        """
        N, _, H, W = shape
        h, w = self.size or (H, W)
        p = self.padding
        mirrored = self.fill == "reflect"
        most = min(h - 1, w - 1, H - mirrored, W - mirrored)
        if p > most:
            raise ShapeError(
                f"random_crop: padding={p} and fill={self.fill!r}; images has shape {shape}",
                f"a padding of at most {most}, so that each {h} x {w} window shows some of its "
                f"image{' and one mirror image fills it' if mirrored else ''}",
                f"use padding={most}",
            )
        if h > H + 2 * p or w > W + 2 * p:
            needed = (max(h - H, w - W) + 1) // 2
            raise ShapeError(
                f"random_crop: size={(h, w)} and padding={p}; images has shape {shape}",
                f"a window of at most {(H + 2 * p, W + 2 * p)}, image and padding",
                f"use padding={needed}" if needed <= most else f"use size={(H, W)}",
            )
        rows = rng.integers(0, H + 2 * p - h, size=N, endpoint=True)
        columns = rng.integers(0, W + 2 * p - w, size=N, endpoint=True)
        return np.stack([rows, columns]) - p


@dataclass(frozen=True, repr=False)
class RandomFlip(Described):
    """Mirror images, each with some probability.

    Parameters
    ----------
    p : float
        The probability of being mirrored.
    direction : {"horizontal", "vertical"}
        Left to right, or top to bottom.

    Raises
    ------
    OptionError
        If p is no probability, or direction is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(4, dtype=np.uint8).reshape(1, 1, 2, 2)
    >>> RandomFlip(p=1.0)(image, np.random.default_rng(0))[0, 0]
    array([[1, 0],
           [3, 2]], dtype=uint8)
    """

    p: float = 0.5
    direction: str = "horizontal"

    NAME: ClassVar[str] = "random_flip"
    CHECKS: ClassVar[Mapping[str, Parser]] = {"p": real(0.0, 1.0), "direction": choice(*_AXES)}

    def __call__(self, images: NDArray[Any], rng: np.random.Generator, /) -> NDArray[Any]:
        """Mirror a batch of images (N, C, H, W)."""
        images = check_images(self.NAME, images)
        chosen = self.draw(len(images), rng)
        out = images.copy()
        out[chosen] = np.flip(images, _AXES[self.direction])[chosen]
        return out

    def draw(self, N: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw for each of N images whether it is mirrored.

        Parameters
        ----------
        N : int
            Images in the batch.
        rng : numpy.random.Generator
            What is drawn from.

        Returns
        -------
        ndarray of shape (N,) of bool
            True where it is.
        """
        return rng.random(N) < self.p


def _windows(
    images: NDArray[Any],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    size: tuple[int, ...],
    padding: int,
    fill: str,
) -> NDArray[Any]:
    """Cut a window out of each padded image; its first pixel is at (row, column) of the image."""
    border = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(images, border, _MODES[fill])
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=(2, 3))
    cut: NDArray[Any] = windows[np.arange(len(images)), :, rows + padding, columns + padding]
    return cut
