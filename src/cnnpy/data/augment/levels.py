"""Operations on brightness levels: what a pixel becomes depends on its value alone.

Each takes the values, the images that they are of, a strength for each image and the
scale. Of bytes the values are all that a byte can be, and the result is a table that
the images are looked up in; floats are changed as they are. The results of bytes from
0 to 255 are those of Pillow's ImageOps and ImageEnhance, its truncation included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.data.augment.pixels import Scale, as_pixels

__all__ = [
    "LevelOperation",
    "autocontrast",
    "blend",
    "brightness",
    "change_levels",
    "contrast",
    "equalize",
    "grey",
    "posterize",
    "solarize",
]

Values = NDArray[Any]

LevelOperation = Callable[[Values, NDArray[Any], Values, Scale], Values]
"""Of values (1 or N, 1 or C, M), images (N, C, H, W), strengths (N, 1, 1) and the scale."""


def change_levels(
    operation: LevelOperation, images: NDArray[Any], strengths: NDArray[Any], scale: Scale
) -> NDArray[Any]:
    """Change each image (N, C, H, W) by one operation, with a strength for each.

    Parameters
    ----------
    operation : callable
        One of this file.
    images : ndarray of shape (N, C, H, W)
        On the scale.
    strengths : ndarray of shape (N,)
        What they mean is the operation's.
    scale : Scale
        Of the images.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        A new array of the images' dtype, on the scale.
    """
    N, C, H, W = images.shape
    in_bytes = images.dtype == np.uint8
    dtype = np.float32 if in_bytes else images.dtype
    strengths = strengths.astype(dtype).reshape(N, 1, 1)
    values = np.arange(256, dtype=dtype).reshape(1, 1, 256) if in_bytes else _lines(images)
    changed = np.clip(operation(values, images, strengths, scale), 0, scale.white)
    if not in_bytes:
        return changed.astype(dtype, copy=False).reshape(images.shape)
    return _look_up(np.broadcast_to(changed.astype(np.uint8), (N, C, 256)), images)


def _lines(images: NDArray[Any]) -> NDArray[Any]:
    N, C, H, W = images.shape
    return images.reshape(N, C, H * W)


def _look_up(tables: NDArray[Any], images: NDArray[np.uint8]) -> NDArray[Any]:
    """Look each channel's values (N, C, H, W) up in its table (N, C, 256)."""
    N, C, _, _ = images.shape
    at = images + (256 * np.arange(N * C)).reshape(N, C, 1, 1)
    found: NDArray[Any] = tables.reshape(-1).take(at)
    return found


def blend(start: Any, end: Any, share: Any) -> Any:
    """Go from `start` to `end` by a share, which may lie outside of 0 to 1."""
    return start + share * (end - start)


# --- the operations ----------------------------------------------------------------------


def brightness(values: Values, images: NDArray[Any], factors: Values, scale: Scale) -> Values:
    """Go from black to the image; a factor above 1 goes beyond."""
    return factors * values


def contrast(values: Values, images: NDArray[Any], factors: Values, scale: Scale) -> Values:
    """Go from the mean grey of the image to the image."""
    mean = grey(images).mean(axis=(1, 2, 3), dtype=np.float64).reshape(-1, 1, 1)
    if images.dtype == np.uint8:
        mean = np.floor(mean + 0.5)
    return np.asarray(blend(mean.astype(values.dtype), values, factors))


def solarize(values: Values, images: NDArray[Any], thresholds: Values, scale: Scale) -> Values:
    """Invert what is not below a threshold."""
    return np.where(values < thresholds, values, scale.white - values)


def posterize(values: Values, images: NDArray[Any], bits: Values, scale: Scale) -> Values:
    """Keep so many bits of the eight of a byte, or as many levels of another scale."""
    unit = scale.white / scale.steps
    coarse = np.maximum((scale.steps + 1) / np.exp2(bits), 1)
    return np.floor(np.rint(values / unit) / coarse) * coarse * unit


def autocontrast(values: Values, images: NDArray[Any], unused: Values, scale: Scale) -> Values:
    """Stretch each channel from black to white."""
    low = images.min(axis=(2, 3)).astype(np.float64)[:, :, np.newaxis]
    high = images.max(axis=(2, 3)).astype(np.float64)[:, :, np.newaxis]
    factor = scale.white / np.where(high > low, high - low, 1.0)
    stretched = values * factor + -low * factor
    return np.where(high > low, stretched, values)


def equalize(values: Values, images: NDArray[Any], unused: Values, scale: Scale) -> Values:
    """Give each channel about as many pixels of each level."""
    N, C, _, _ = images.shape
    levels = _levels(images, scale)
    counts = _counts(levels)
    darker = counts.cumsum(axis=2) - counts
    last = np.where(counts > 0, np.arange(256), -1).max(axis=2, initial=-1, keepdims=True)
    brightest = np.take_along_axis(counts, np.maximum(last, 0), axis=2)
    step = (counts.sum(axis=2, keepdims=True) - brightest) // scale.steps
    table = (step // 2 + darker) // np.maximum(step, 1)
    table = np.where(step > 0, table, np.arange(256))  # too few pixels to tell apart
    if images.dtype == np.uint8:
        return table
    unit = scale.white / scale.steps
    spread = _look_up(table, levels).reshape(values.shape) * unit
    return np.where(step > 0, spread, values)


def _levels(images: NDArray[Any], scale: Scale) -> NDArray[np.uint8]:
    if images.dtype == np.uint8:
        return images
    return np.rint(images * (scale.steps / scale.white)).astype(np.uint8)


def _counts(levels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the pixels of each level in each channel, (N, C, 256)."""
    N, C, _, _ = levels.shape
    at = levels + (256 * np.arange(N * C)).reshape(N, C, 1, 1)
    return np.bincount(at.reshape(-1), minlength=N * C * 256).reshape(N, C, 256).astype(np.int64)


def grey(images: NDArray[Any]) -> NDArray[Any]:
    """Return images (N, 1, H, W): luma of red, green and blue (ITU-R 601), else the mean.

    Of bytes it is whole numbers, rounded as Pillow rounds them.
    """
    N, C, H, W = images.shape
    if C == 1:
        return images
    if C != 3:
        return as_pixels(images.mean(axis=1, keepdims=True), images.dtype)
    if images.dtype == np.uint8:
        red, green, blue = images.astype(np.uint32).transpose(1, 0, 2, 3)
        luma = ((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16).astype(np.uint8)
    else:
        red, green, blue = images.transpose(1, 0, 2, 3)
        weights = np.array([0.299, 0.587, 0.114], images.dtype)
        luma = weights[0] * red + weights[1] * green + weights[2] * blue
    one: NDArray[Any] = luma[:, np.newaxis]
    return one
