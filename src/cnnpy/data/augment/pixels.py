"""Pixels of a batch: their range, what fills a gap, and values back in their dtype.

Raw images are bytes, or floats of any scale. `white` is the value of full brightness:
where it is left open, 255 of bytes and 1 of floats.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DataError, OptionError, ShapeError
from cnnpy.contract.options import Parser, real, written

__all__ = ["WHITE", "Fill", "Scale", "as_pixels", "fill_of", "fill_option", "scale_of"]

Fill = float | tuple[float, ...]

WHITE: Parser = real(1e-30, 1e30)

_FLOAT_STEPS = 255


class Scale(NamedTuple):
    """From black to white: ``white`` is its end, ``steps`` how many levels are above black."""

    white: float
    steps: int


def scale_of(op: str, images: NDArray[Any], white: float | None) -> Scale:
    """Return the scale of raw images, whose pixels must lie on it.

    Bytes have as many steps as `white` says; floats are taken as bytes on another scale,
    where an operation counts levels at all.
    """
    if images.dtype == np.uint8:
        top = 255 if white is None else min(math.floor(white), 255)
        if top < 1:
            raise OptionError(f"{op}: white={white:g}", "at least 1 for bytes", "use white=255")
        scale = Scale(float(top), top)
    else:
        # as the pixels have it: 0.1 in float32 is above 0.1
        scale = Scale(float(images.dtype.type(1.0 if white is None else white)), _FLOAT_STEPS)
    if images.size:
        low, high = float(images.min()), float(images.max())
        if not (low >= 0 and high <= scale.white):  # NaN is outside too
            raise _off_the_scale(op, low, high, scale.white)
    return scale


def _off_the_scale(op: str, low: float, high: float, white: float) -> DataError:
    negative = low < 0
    return DataError(
        f"{op}: images holds {low if negative else high:g}",
        f"pixels from 0 to white={white:g}",
        "augment the raw images, before they are standardised"
        if negative or math.isnan(high)
        else f"give their value of full brightness: white={255 if high <= 255 else high:g}",
    )


def as_pixels(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Round values of at least 0 to whole numbers where the images are bytes."""
    if dtype == np.uint8:
        values = values + values.dtype.type(0.5)
    out: NDArray[Any] = values.astype(dtype, copy=False)
    return out


# --- what fills a gap --------------------------------------------------------------------


def fill_option() -> Parser:
    """Take a pixel value, or one a channel."""
    number = real(-1e30, 1e30)

    def parse(op: str, name: str, value: object) -> Any:
        if not isinstance(value, (tuple, list)):
            return number(op, name, value)
        if not value:
            raise OptionError(
                f"{op}: {name}={written(value)}", "a pixel value, or one a channel", f"use {name}=0"
            )
        return tuple(number(op, name, entry) for entry in value)

    return parse


def fill_of(op: str, fill: Fill, images: NDArray[Any]) -> NDArray[Any]:
    """Return the pixel that fills a gap in these images, of shape (C,) and their dtype."""
    C = images.shape[1]
    values = np.array(fill, dtype=np.float64).reshape(-1)
    if len(values) not in (1, C):
        raise ShapeError(
            f"{op}: fill has {len(values)} values; images has shape {images.shape}, so C={C}",
            "one value, or one for each channel",
            f"give {C} values" if C > 1 else "give one value",
        )
    if images.dtype == np.uint8 and not ((values >= 0) & (values <= 255)).all():
        raise OptionError(
            f"{op}: fill={fill!r}; images has dtype uint8",
            "values from 0 to 255",
            f"use fill={min(max(round(float(values[0])), 0), 255)}",
        )
    whole = np.rint(values) if images.dtype == np.uint8 else values
    return np.broadcast_to(whole.astype(images.dtype), (C,)).copy()
