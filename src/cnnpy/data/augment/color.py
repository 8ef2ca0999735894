"""Colours: saturation, hue and sharpness, and the random change of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import ShapeError
from cnnpy.contract.options import Parser, real
from cnnpy.data.augment.levels import blend, brightness, change_levels, contrast, grey
from cnnpy.data.augment.pixels import WHITE, Scale, as_pixels, scale_of
from cnnpy.data.dataset import check_images
from cnnpy.data.described import Described, optional, range_of

__all__ = ["ColorJitter", "saturate", "sharpen", "turn_hue"]

_FACTORS = ("brightness", "contrast", "saturation")
Range = float | tuple[float, float]


@dataclass(frozen=True, repr=False)
class ColorJitter(Described):
    """Change brightness, contrast, saturation and hue at random.

    Each image has its own strengths; the order of the four is drawn once a batch.

    Parameters
    ----------
    brightness, contrast, saturation : float or pair of float
        A factor is drawn from ``1 - b`` (not below 0) to ``1 + b``, or from the pair: 0 is
        black, flat grey, without colour; 1 is the image as it is.
    hue : float or pair of float
        How far the hue is turned at most to either side, or from where to where: 0.5 is
        half way round the circle of colours.
    white : float, optional
        The pixel value of full brightness; 255 of bytes and 1 of floats where the data set
        does not tell.

    Raises
    ------
    OptionError
        If an option is out of range.
    ShapeError
        When called, if saturation or hue is to change in images of other than 3 channels.
    DataError
        When called, if pixels are not from 0 to `white`.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([10, 100, 200], dtype=np.uint8).reshape(1, 1, 1, 3)
    >>> ColorJitter(brightness=(1.5, 1.5))(image, np.random.default_rng(0))[0, 0, 0]
    array([ 15, 150, 255], dtype=uint8)
    """

    brightness: Range = 0.0
    contrast: Range = 0.0
    saturation: Range = 0.0
    hue: Range = 0.0
    white: float | None = None

    NAME: ClassVar[str] = "color_jitter"
    CHECKS: ClassVar[Mapping[str, Parser]] = {
        **dict.fromkeys(_FACTORS, range_of(real(0.0, 100.0))),
        "hue": range_of(real(-0.5, 0.5)),
        "white": optional(WHITE),
    }

    def __call__(self, images: NDArray[Any], rng: np.random.Generator, /) -> NDArray[Any]:
        """Change the colours of a batch (N, C, H, W)."""
        images = check_images(self.NAME, images)
        scale = scale_of(self.NAME, images, self.white)
        if images.shape[1] != 3 and (self.saturation != 0 or self.hue != 0):
            raise self._without_colour(images.shape)
        names = [name for name in _CHANGES if getattr(self, name) != 0]
        strengths = {name: rng.uniform(*self._ends(name), len(images)) for name in names}
        out = images.copy()
        for k in rng.permutation(len(names)):
            out = _CHANGES[names[k]](out, strengths[names[k]], scale)
        return out

    def _ends(self, name: str) -> tuple[float, float]:
        value: Range = getattr(self, name)
        if isinstance(value, tuple):
            return value
        middle = 1.0 if name in _FACTORS else 0.0
        low = middle - abs(value)
        return (max(low, 0.0) if name in _FACTORS else low), middle + abs(value)

    def _without_colour(self, shape: tuple[int, ...]) -> ShapeError:
        kept = {name: getattr(self, name) for name in _FACTORS[:2] if getattr(self, name)}
        if kept and self.white is not None:
            kept["white"] = self.white
        return ShapeError(
            f"color_jitter: saturation={self.saturation} and hue={self.hue}; images has shape "
            f"{shape}, so C={shape[1]}",
            "images of C=3 channels (red, green, blue) for these two",
            f"use {ColorJitter(**kept)!r}" if kept else "leave color_jitter out",
        )


# --- what is done, with a strength for each image ----------------------------------------


def saturate(images: NDArray[Any], factors: NDArray[Any], scale: Scale) -> NDArray[Any]:
    """Go from the grey image to the image, of 3 channels; a factor above 1 goes beyond."""
    return _blended(grey(images), images, factors, scale)


def sharpen(images: NDArray[Any], factors: NDArray[Any], scale: Scale) -> NDArray[Any]:
    """Go from the smoothed image to the image; a factor above 1 goes beyond."""
    return _blended(_smoothed(images), images, factors, scale)


def _blended(
    start: NDArray[Any], images: NDArray[Any], factors: NDArray[Any], scale: Scale
) -> NDArray[Any]:
    dtype = np.float32 if images.dtype == np.uint8 else images.dtype
    share = factors.astype(dtype).reshape(-1, 1, 1, 1)
    out = blend(start.astype(dtype), images.astype(dtype), share)
    # bytes are truncated, as Pillow does it
    pixels: NDArray[Any] = np.clip(out, 0, scale.white, out=out).astype(images.dtype)
    return pixels


def _smoothed(images: NDArray[Any]) -> NDArray[Any]:
    """Weigh a pixel five times beside its eight neighbours; the border stays as it is."""
    _, _, H, W = images.shape
    if min(H, W) < 3:
        return images
    wide = images.astype(np.uint16) if images.dtype == np.uint8 else images
    rows = wide[:, :, :-2] + wide[:, :, 1:-1] + wide[:, :, 2:]
    total = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:] + 4 * wide[:, :, 1:-1, 1:-1]
    out = images.copy()
    out[:, :, 1:-1, 1:-1] = (total + 6) // 13 if images.dtype == np.uint8 else total / 13
    return out


def turn_hue(images: NDArray[Any], turns: NDArray[Any], scale: Scale) -> NDArray[Any]:
    """Turn the hue of images of 3 channels; 1 is once round.

    Hue, saturation and value as in A. R. Smith: Color gamut transform pairs, 1978.
    """
    dtype = np.float64 if images.dtype == np.float64 else np.float32
    red, green, blue = images.astype(dtype).transpose(1, 0, 2, 3)
    value = np.maximum(np.maximum(red, green), blue)
    spread = value - np.minimum(np.minimum(red, green), blue)
    # sixths of the circle, from the primary that is largest
    divisor = np.where(spread > 0, spread, dtype(1))
    sixths = np.where(
        value == red,
        (green - blue) / divisor,
        np.where(
            value == green, (blue - red) / divisor + dtype(2), (red - green) / divisor + dtype(4)
        ),
    )
    sixths += (turns * 6).astype(dtype).reshape(-1, 1, 1)
    out = np.empty(images.shape, images.dtype)
    for c, offset in enumerate((5, 3, 1)):
        k = sixths + dtype(offset)
        k -= np.floor(k / 6) * dtype(6)
        share = np.clip(np.minimum(k, dtype(4) - k), 0, 1)
        out[:, c] = as_pixels(np.clip(value - spread * share, 0, scale.white), images.dtype)
    return out


_CHANGES = {
    "brightness": lambda images, factors, scale: change_levels(brightness, images, factors, scale),
    "contrast": lambda images, factors, scale: change_levels(contrast, images, factors, scale),
    "saturation": saturate,
    "hue": turn_hue,
}
