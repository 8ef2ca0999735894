"""Augmentations that hide a rectangle of each image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import OptionError
from cnnpy.contract.options import Parser, pair, real, written
from cnnpy.contract.shapes import Shape
from cnnpy.data.augment.pixels import WHITE, Fill, fill_of, fill_option, scale_of
from cnnpy.data.dataset import check_images
from cnnpy.data.described import Described, optional, range_of

__all__ = ["Cutout", "RandomErasing", "erase"]

_TRIES = 10
_NOISE = "noise"


def _fill_or_noise(op: str, name: str, value: object) -> Any:
    if isinstance(value, str) and value != _NOISE:
        raise OptionError(
            f"{op}: {name}={written(value)}",
            "a pixel value, one a channel, or 'noise'",
            f"use {name}='{_NOISE}'",
        )
    return value if isinstance(value, str) else fill_option()(op, name, value)


@dataclass(frozen=True, repr=False)
class Cutout(Described):
    """Hide a square of each image, its centre anywhere in the image.

    Where the square passes the border, what is outside is lost, as in the paper.

    Parameters
    ----------
    size : int or pair of int
        The side of the square in pixels, or height and width of a rectangle.
    fill : float or tuple of float
        The raw pixel value that hides it, or one for each channel.
    p : float
        The probability of each image to be changed.

    Raises
    ------
    OptionError
        If an option is out of range, or `fill` is no byte where images are bytes.
    ShapeError
        When called, if `fill` has another number of values than there are channels.

    References
    ----------
    T. DeVries, G. W. Taylor: Improved regularization of convolutional neural networks
    with cutout. arXiv:1708.04552, 2017.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.ones((1, 1, 4, 4), dtype=np.uint8)
    >>> Cutout(2)(image, np.random.default_rng(0))[0, 0]
    array([[1, 1, 1, 1],
           [1, 1, 1, 1],
           [1, 0, 0, 1],
           [1, 0, 0, 1]], dtype=uint8)
    """

    size: tuple[int, int]
    fill: Fill = 0.0
    p: float = 1.0

    NAME: ClassVar[str] = "cutout"
    CHECKS: ClassVar[Mapping[str, Parser]] = {
        "size": pair(1),
        "fill": fill_option(),
        "p": real(0.0, 1.0),
    }

    def __call__(self, images: NDArray[Any], rng: np.random.Generator, /) -> NDArray[Any]:
        """Hide a square of each image (N, C, H, W)."""
        images = check_images(self.NAME, images)
        fill = fill_of(self.NAME, self.fill, images)
        return erase(images, self.draw(images.shape, rng), fill.reshape(-1, 1, 1))

    def draw(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw the rectangles, (N, 4): top, bottom, left, right, the ends not included.

        Parameters
        ----------
        shape : tuple of int (N, C, H, W)
            The shape of the batch.
        rng : numpy.random.Generator
            What is drawn from.

        Returns
        -------
        ndarray of shape (N, 4)
            Inside the image; all 0 where nothing is hidden.
        """
        N, _, H, W = shape
        # twice the image hides all of it, wherever its centre is
        sides = [min(side, 2 * length) for side, length in zip(self.size, (H, W), strict=True)]
        size, last = np.array(sides).reshape(2, 1), np.array([[H], [W]])
        centre = rng.integers(0, last, size=(2, N))
        chosen = rng.random(N) < self.p
        start = np.maximum(centre - size // 2, 0)
        end = np.minimum(centre - size // 2 + size, last)
        return _rectangles(start, end, chosen)


@dataclass(frozen=True, repr=False)
class RandomErasing(Described):
    """Hide a rectangle of random area and shape in some of the images.

    Of ten rectangles that are drawn for an image the first that fits into it is hidden.

    Parameters
    ----------
    p : float
        The probability of each image to be changed.
    area : pair of float
        The least and the largest share of the image that is hidden, above 0.
    ratio : pair of float
        The least and the largest ratio of height to width, drawn on a logarithmic scale.
    fill : float, tuple of float, or "noise"
        The raw pixel value that hides it, one for each channel, or a random one for each
        pixel, as in the paper.
    white : float, optional
        For noise: the pixel value of full brightness; 255 of bytes and 1 of floats where
        the data set does not tell.

    Raises
    ------
    OptionError
        If an option is out of range, or `fill` is no byte where images are bytes.
    ShapeError
        When called, if `fill` has another number of values than there are channels.
    DataError
        When called for noise, if pixels are not from 0 to `white`.

    References
    ----------
    Z. Zhong, L. Zheng, G. Kang, S. Li, Y. Yang: Random erasing data augmentation. AAAI 2020.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.ones((1, 1, 4, 4), dtype=np.uint8)
    >>> RandomErasing(p=1, area=(0.25, 0.25), ratio=(1, 1))(image, np.random.default_rng(2))[0, 0]
    array([[1, 1, 1, 1],
           [1, 0, 0, 1],
           [1, 0, 0, 1],
           [1, 1, 1, 1]], dtype=uint8)
    """

    p: float = 0.5
    area: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    fill: Fill | str = 0.0
    white: float | None = None

    NAME: ClassVar[str] = "random_erasing"
    CHECKS: ClassVar[Mapping[str, Parser]] = {
        "p": real(0.0, 1.0),
        "area": range_of(real(0.0, 1.0, above=True)),
        "ratio": range_of(real(1e-3, 1e3)),
        "fill": _fill_or_noise,
        "white": optional(WHITE),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("area", "ratio"):
            value = getattr(self, name)
            object.__setattr__(self, name, value if isinstance(value, tuple) else (value, value))

    def __call__(self, images: NDArray[Any], rng: np.random.Generator, /) -> NDArray[Any]:
        """Hide a rectangle in some of the images (N, C, H, W)."""
        images = check_images(self.NAME, images)
        fill = None if isinstance(self.fill, str) else fill_of(self.NAME, self.fill, images)
        scale = scale_of(self.NAME, images, self.white) if fill is None else None
        rectangles = self.draw(images.shape, rng)
        if scale is None:
            assert fill is not None
            return erase(images, rectangles, fill.reshape(-1, 1, 1))
        if images.dtype == np.uint8:
            noise: NDArray[Any] = rng.integers(
                0, scale.steps, size=images.shape, dtype=np.uint8, endpoint=True
            )
        else:
            noise = rng.random(images.shape, np.float32).astype(images.dtype) * scale.white
        return erase(images, rectangles, noise)

    def draw(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw the rectangles, (N, 4): top, bottom, left, right, the ends not included.

        Parameters
        ----------
        shape : tuple of int (N, C, H, W)
            The shape of the batch.
        rng : numpy.random.Generator
            What is drawn from.

        Returns
        -------
        ndarray of shape (N, 4)
            Inside the image; all 0 where nothing is hidden.
        """
        N, _, H, W = shape
        chosen = rng.random(N) < self.p
        area = H * W * rng.uniform(*self.area, size=(_TRIES, N))
        least, most = map(math.log, self.ratio)
        ratio = np.exp(rng.uniform(least, most, size=(_TRIES, N)))
        heights = np.rint(np.sqrt(area * ratio)).astype(np.int64)
        widths = np.rint(np.sqrt(area / ratio)).astype(np.int64)
        fits = (heights >= 1) & (heights <= H) & (widths >= 1) & (widths <= W)
        first = fits.argmax(axis=0), np.arange(N)
        chosen &= fits[first]
        size = np.where(chosen, np.stack([heights[first], widths[first]]), 0)
        start = rng.integers(0, np.array([[H], [W]]) - size, endpoint=True)
        return _rectangles(start, start + size, chosen)


def _rectangles(
    start: NDArray[np.int64], end: NDArray[np.int64], chosen: NDArray[np.bool_]
) -> NDArray[np.int64]:
    table = np.stack([start[0], end[0], start[1], end[1]], axis=1)
    return np.where(chosen[:, np.newaxis], table, 0)


def erase(
    images: NDArray[Any], rectangles: NDArray[np.int64], content: NDArray[Any]
) -> NDArray[Any]:
    """Write `content`, of the images' shape or one that stands for it, into rectangles.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
        What stays as it is.
    rectangles : ndarray of shape (N, 4)
        Top, bottom, left, right of each; the ends are not included.
    content : ndarray
        Of the images' dtype.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        A new array.
    """
    _, _, H, W = images.shape
    top, bottom, left, right = rectangles.T[:, :, np.newaxis]
    rows = (np.arange(H) >= top) & (np.arange(H) < bottom)
    columns = (np.arange(W) >= left) & (np.arange(W) < right)
    hidden = rows[:, np.newaxis, :, np.newaxis] & columns[:, np.newaxis, np.newaxis, :]
    return np.where(hidden, content, images)
