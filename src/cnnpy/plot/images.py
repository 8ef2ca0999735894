"""Images as pictures have them: red, green and blue from 0 to 255, and heat laid over them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import MissingPackageError, ShapeError
from cnnpy.plot.canvas import find_matplotlib

__all__ = ["heat", "heat_over", "resized", "rgb", "short"]

Pixels = NDArray[np.uint8]

_COLOURS = "inferno"
_MOST_COVER = 0.75


def rgb(image: NDArray[Any], white: float | None = None) -> Pixels:
    """Turn an image into red, green and blue.

    Parameters
    ----------
    image : ndarray of shape (C, H, W)
        As a data set holds it: of one channel in grey, of three in colours, of any other
        number by their mean.
    white : float, optional
        Its value of full brightness; 255 for bytes, else its values are spread from their
        least to their greatest.

    Returns
    -------
    ndarray of shape (H, W, 3) of uint8
        The picture.
    """
    array = np.asarray(image)
    if array.ndim != 3 or 0 in array.shape:
        raise ShapeError(
            f"image has shape {array.shape}",
            "one image (C, H, W)",
            "use images[0]" if array.ndim == 4 else "use image[np.newaxis]",
        )
    if white is None and array.dtype == np.uint8:
        white = 255.0
    values = np.nan_to_num(array.astype(np.float64), posinf=0.0, neginf=0.0)
    if array.shape[0] not in (1, 3):
        values = values.mean(axis=0, keepdims=True)
    if white is None:
        low, high = values.min(), values.max()
        values = (values - low) / ((high - low) or 1.0)
    else:
        values = values / white
    pixels = np.broadcast_to(values, (3, *values.shape[1:])).transpose(1, 2, 0)
    return np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)


def heat(values: NDArray[Any], *, greatest: float | None = None) -> Pixels:
    """Colour a map from black for nothing to yellow for its greatest value.

    Parameters
    ----------
    values : ndarray of shape (H, W)
        The map; below 0 is black too.
    greatest : float, optional
        What is yellow; the map's own greatest value by default.

    Returns
    -------
    ndarray of shape (H, W, 3) of uint8
        The picture.
    """
    return np.rint(255 * _coloured(_scaled(values, greatest))).astype(np.uint8)


def heat_over(picture: Pixels, values: NDArray[Any]) -> Pixels:
    """Lay a map over a picture, which shines through where the map is low.

    Parameters
    ----------
    picture : ndarray of shape (H, W, 3) of uint8
        The picture.
    values : ndarray of shape (H_map, W_map)
        The map, none of it below 0; it is brought to the picture's size bilinearly.

    Returns
    -------
    ndarray of shape (H, W, 3) of uint8
        Both.
    """
    H, W, _ = picture.shape
    fine = resized(_scaled(values).astype(np.float32), (H, W))
    cover = (_MOST_COVER * fine)[..., np.newaxis]
    grey = picture.mean(axis=2, keepdims=True) / 255
    both: Pixels = np.rint(255 * ((1 - cover) * grey + cover * _coloured(fine))).astype(np.uint8)
    return both


def resized(values: NDArray[Any], size: tuple[int, int], *, smooth: bool = True) -> NDArray[Any]:
    """Bring a map of floats, or a picture of bytes, to another size.

    Parameters
    ----------
    values : ndarray of shape (H, W) of float32, or (H, W, 3) of uint8
        What to bring there.
    size : tuple of two int
        Height and width.
    smooth : bool
        Bilinearly; else each value becomes a block.

    Returns
    -------
    ndarray of that height and width
        The same in that size.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPackageError(
            "plot: Pillow is not installed",
            "Pillow, which brings pictures to size",
            "pip install 'cnnpy[cli]'",
        ) from error
    way = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(values).resize((size[1], size[0]), way))


def _scaled(values: NDArray[Any], greatest: float | None = None) -> NDArray[np.float64]:
    array = np.maximum(np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0), 0)
    top = array.max(initial=0.0) if greatest is None else greatest
    return array / top if top > 0 else np.zeros_like(array)


def _coloured(shares: NDArray[Any]) -> NDArray[np.float64]:
    matplotlib = find_matplotlib()
    coloured: NDArray[np.float64] = matplotlib.colormaps[_COLOURS](shares)[..., :3]
    return coloured


def short(name: str, longest: int) -> str:
    """Cut a name that is too long for its place.

    Parameters
    ----------
    name : str
        Of a class, say.
    longest : int
        Letters that there is room for.

    Returns
    -------
    str
        With an ellipsis at its end where it was cut.

    Examples
    --------
    >>> short("ankle boot", 6)
    'ankle…'
    """
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
