"""Rotation, shear and translation: each image read anew at places between its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.options import Parser, real
from cnnpy.data.augment.pixels import Fill, as_pixels, fill_of, fill_option
from cnnpy.data.dataset import check_images
from cnnpy.data.described import Described, range_of

__all__ = ["RandomRotation", "resample", "rotations"]

_CHUNK_PIXELS = 1 << 13  # a dozen arrays of these stay in a core's cache


@dataclass(frozen=True, repr=False)
class RandomRotation(Described):
    """Rotate each image about its centre by an angle of its own, bilinearly.

    Parameters
    ----------
    degrees : float or pair of float
        The largest angle to either side, or the least and the largest;
        counter-clockwise is positive.
    fill : float or tuple of float
        The raw pixel value of what was outside of the image, or one for each channel.

    Raises
    ------
    OptionError
        If an option is out of range, or `fill` is no byte where images are bytes.
    ShapeError
        When called, if `fill` has another number of values than there are channels.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(9, dtype=np.uint8).reshape(1, 1, 3, 3)
    >>> RandomRotation((90, 90))(image, np.random.default_rng(0))[0, 0]
    array([[2, 5, 8],
           [1, 4, 7],
           [0, 3, 6]], dtype=uint8)
    """

    degrees: float | tuple[float, float]
    fill: Fill = 0.0

    NAME: ClassVar[str] = "random_rotation"
    CHECKS: ClassVar[Mapping[str, Parser]] = {
        "degrees": range_of(real(-360.0, 360.0)),
        "fill": fill_option(),
    }

    def __call__(self, images: NDArray[Any], rng: np.random.Generator, /) -> NDArray[Any]:
        """Rotate each image of a batch (N, C, H, W)."""
        images = check_images(self.NAME, images)
        fill = fill_of(self.NAME, self.fill, images)
        ends = self.degrees if isinstance(self.degrees, tuple) else (-self.degrees, self.degrees)
        low, high = sorted(ends)
        return resample(images, rotations(rng.uniform(low, high, len(images))), fill)


def rotations(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrices (N, 2, 3) for :func:`resample` of counter-clockwise rotations."""
    angle = np.deg2rad(degrees)
    matrices = np.zeros((len(angle), 2, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angle)
    matrices[:, 0, 1] = np.sin(angle)
    matrices[:, 1, 0] = -np.sin(angle)
    return matrices


def resample(
    images: NDArray[Any], matrices: NDArray[np.float64], fill: NDArray[Any]
) -> NDArray[Any]:
    """Read images bilinearly where affine maps say.

    The pixel at (i, j), counted from the centre of the image, is read at
    ``matrix @ (i, j, 1)``, counted from there too. A place up to half a pixel outside of
    the outermost pixels' centres is read at the border, one beyond is `fill`.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
        What is read.
    matrices : ndarray of shape (N, 2, 3)
        A row for the place's row, one for its column.
    fill : ndarray of shape (C,)
        Of the images' dtype.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        A new array of the images' dtype.
    """
    N, C, H, W = images.shape
    out = np.empty((N, C, H, W), images.dtype)
    step = max(1, _CHUNK_PIXELS // (H * W))
    for start in range(0, N, step):
        part = slice(start, start + step)
        _resample(images[part], matrices[part], fill, out[part])
    return out


def _resample(
    images: NDArray[Any], matrices: NDArray[np.float64], fill: NDArray[Any], out: NDArray[Any]
) -> None:
    N, C, H, W = images.shape
    dtype = np.float64 if images.dtype == np.float64 else np.float32
    rows, columns = _places(matrices, H, W, dtype)
    half = dtype(0.5)
    inside = (rows >= -half) & (rows < H - half) & (columns >= -half) & (columns < W - half)
    np.clip(rows, 0, H - 1, out=rows)
    np.clip(columns, 0, W - 1, out=columns)
    top, left = rows.astype(np.intp), columns.astype(np.intp)  # they are not negative
    down, right = rows - top.astype(dtype), columns - left.astype(dtype)
    at = top * W + left
    at += np.arange(N).reshape(N, 1, 1) * (C * H * W)
    flat = images.astype(dtype).reshape(-1)
    for c in range(C):
        # beyond the last row or column a neighbour has the weight 0: any pixel will do
        a, b = _pair(flat, at + c * (H * W))
        ab = _between(a, b, right)
        a, b = _pair(flat, at + (c * (H * W) + W))
        value = _between(ab, _between(a, b, right), down)
        out[:, c] = np.where(inside, as_pixels(value, images.dtype), fill[c])


def _places(
    matrices: NDArray[np.float64], H: int, W: int, dtype: Any
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the row and the column where each pixel is read, both (N, H, W)."""
    i, j = np.arange(H) - (H - 1) / 2, np.arange(W) - (W - 1) / 2
    found = []
    for row, centre in ((0, (H - 1) / 2), (1, (W - 1) / 2)):
        a, b, t = matrices[:, row].T[:, :, np.newaxis]
        down, right = a * i, b * j + (t + centre)
        found.append(down.astype(dtype)[:, :, np.newaxis] + right.astype(dtype)[:, np.newaxis])
    return found[0], found[1]


def _pair(flat: NDArray[Any], at: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the pixels at flat places, and those after them."""
    return flat.take(at, mode="clip"), flat.take(at + 1, mode="clip")


def _between(a: NDArray[Any], b: NDArray[Any], share: NDArray[Any]) -> NDArray[Any]:
    b -= a
    b *= share
    b += a
    return b
