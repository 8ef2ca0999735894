"""RandAugment: a few operations out of fourteen for each image, all of one magnitude."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import OptionError
from cnnpy.contract.options import Parser, integer
from cnnpy.data.augment import levels
from cnnpy.data.augment.affine import resample, rotations
from cnnpy.data.augment.color import saturate, sharpen
from cnnpy.data.augment.levels import change_levels
from cnnpy.data.augment.pixels import WHITE, Fill, Scale, fill_of, fill_option, scale_of
from cnnpy.data.dataset import check_images
from cnnpy.data.described import Described, optional

__all__ = ["RAND_AUGMENT_OPERATIONS", "RandAugment"]

_LARGEST = 30

Images = NDArray[Any]
Strengths = NDArray[np.float64]


def _up_to_largest(op: str, name: str, value: object) -> int:
    number: int = integer(0)(op, name, value)
    if number > _LARGEST:
        raise OptionError(
            f"{op}: {name}={number}", f"{name} from 0 to {_LARGEST}", f"use {name}={_LARGEST}"
        )
    return number


@dataclass(frozen=True, repr=False)
class RandAugment(Described):
    """Change each image by `n` operations, drawn from fourteen, of one magnitude.

    The operations, and how far they go at magnitude 30: identity; autocontrast;
    equalize; rotate (30 degrees); solarize (all is inverted); posterize (to 4 bits);
    color, contrast, brightness and sharpness (factors 0.1 or 1.9); shear x and y (0.3);
    translate x and y (150/331 of the side). Where there are two directions, each is as
    likely. In images of other than 3 channels color is the identity.

    Parameters
    ----------
    n : int
        Operations an image, one after the other, 0 to 30.
    magnitude : int
        How strong they are, 0 to 30.
    fill : float or tuple of float
        The raw pixel value of what was outside of the image, or one for each channel.
    white : float, optional
        The pixel value of full brightness; 255 of bytes and 1 of floats where the data set
        does not tell.

    Raises
    ------
    OptionError
        If an option is out of range, or `fill` is no byte where images are bytes.
    ShapeError
        When called, if `fill` has another number of values than there are channels.
    DataError
        When called, if pixels are not from 0 to `white`.

    References
    ----------
    E. D. Cubuk, B. Zoph, J. Shlens, Q. V. Le: RandAugment: Practical automated data
    augmentation with a reduced search space. NeurIPS 2020. arXiv:1909.13719.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.full((2, 1, 8, 8), 100, dtype=np.uint8)
    >>> RandAugment(n=1)(images, np.random.default_rng(0)).shape
    (2, 1, 8, 8)
    """

    n: int = 2
    magnitude: int = 9
    fill: Fill = 0.0
    white: float | None = None

    NAME: ClassVar[str] = "rand_augment"
    CHECKS: ClassVar[Mapping[str, Parser]] = {
        "n": _up_to_largest,
        "magnitude": _up_to_largest,
        "fill": fill_option(),
        "white": optional(WHITE),
    }

    def __call__(self, images: Images, rng: np.random.Generator, /) -> Images:
        """Change a batch of images (N, C, H, W)."""
        images = check_images(self.NAME, images)
        scale = scale_of(self.NAME, images, self.white)
        fill = fill_of(self.NAME, self.fill, images)
        out = images.copy()
        for _ in range(self.n):
            drawn = rng.integers(0, len(RAND_AUGMENT_OPERATIONS), len(images))
            signs = np.where(rng.random(len(images)) < 0.5, -1.0, 1.0)
            _change(out, drawn, signs, self.magnitude / _LARGEST, scale, fill)
        return out


def _change(
    out: Images, drawn: NDArray[np.int64], signs: Strengths, share: float, scale: Scale, fill: Any
) -> None:
    """Change each image by its operation, those of one operation at once, in place."""
    H, W = out.shape[2:]
    moved: list[NDArray[np.int64]] = []
    maps: list[NDArray[np.float64]] = []
    for k, name in enumerate(RAND_AUGMENT_OPERATIONS):
        chosen = np.flatnonzero(drawn == k)
        strengths = share * signs[chosen]
        if not len(chosen):
            continue
        if name in _MAPS:
            moved.append(chosen)
            maps.append(_MAPS[name](strengths, H, W))
        elif name in _CHANGES:
            out[chosen] = _CHANGES[name](out[chosen], strengths, scale)
    if moved:  # all that reads images anew goes together
        chosen = np.concatenate(moved)
        out[chosen] = resample(out[chosen], np.concatenate(maps), fill)


# --- the operations, by strengths from -1 to 1, one an image -----------------------------


def _maps(strengths: Strengths, row: int, column: int, largest: float) -> NDArray[np.float64]:
    """Return identity maps with one entry that goes up to `largest`."""
    maps = np.tile(np.eye(2, 3), (len(strengths), 1, 1))
    maps[:, row, column] = strengths * largest
    return maps


def _shift(strengths: Strengths, row: int, side: int) -> NDArray[np.float64]:
    """Move by whole pixels, so that nothing is blurred."""
    return _maps(np.trunc(strengths * _TRANSLATION * side), row, 2, 1.0)


_ROTATION, _SHEAR, _TRANSLATION = 30.0, 0.3, 150 / 331
_FACTOR, _BITS = 0.9, 4

_MAPS: Mapping[str, Callable[[Strengths, int, int], NDArray[np.float64]]] = {
    "rotate": lambda strengths, H, W: rotations(strengths * _ROTATION),
    "shear_x": lambda strengths, H, W: _maps(strengths, 1, 0, _SHEAR),
    "shear_y": lambda strengths, H, W: _maps(strengths, 0, 1, _SHEAR),
    "translate_x": lambda strengths, H, W: _shift(strengths, 1, W),
    "translate_y": lambda strengths, H, W: _shift(strengths, 0, H),
}

_Change = Callable[[Images, Strengths, Scale], Images]


def _factors(change: _Change) -> _Change:
    """Hand factors from 0.1 to 1.9 to an operation."""
    return lambda images, strengths, scale: change(images, 1 + _FACTOR * strengths, scale)


def _color(images: Images, factors: Strengths, scale: Scale) -> Images:
    return saturate(images, factors, scale) if images.shape[1] == 3 else images


def _posterize(images: Images, strengths: Strengths, scale: Scale) -> Images:
    bits = 8 - np.rint(_BITS * np.abs(strengths))
    return change_levels(levels.posterize, images, bits, scale)


def _solarize(images: Images, strengths: Strengths, scale: Scale) -> Images:
    thresholds = scale.white * (1 - np.abs(strengths))
    return change_levels(levels.solarize, images, thresholds, scale)


_CHANGES: Mapping[str, _Change] = {
    "autocontrast": partial(change_levels, levels.autocontrast),
    "equalize": partial(change_levels, levels.equalize),
    "solarize": _solarize,
    "posterize": _posterize,
    "color": _factors(_color),
    "contrast": _factors(partial(change_levels, levels.contrast)),
    "brightness": _factors(partial(change_levels, levels.brightness)),
    "sharpness": _factors(sharpen),
}

RAND_AUGMENT_OPERATIONS = ("identity", *_MAPS, *_CHANGES)
"""The names of the operations, each as likely."""
