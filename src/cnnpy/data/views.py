"""Views: an image as it is and changed a little, whose predictions are averaged.

What a network says of an image should not depend on which way it looks or a pixel more
to the left; where it does, the mean of what it says is better than one of them
(test-time augmentation). Nothing here is random.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.contract.options import nearest, written

__all__ = ["VIEWS", "View", "Views", "find_views", "seen"]

View = Callable[[NDArray[Any]], NDArray[Any]]
"""A function of raw images (N, C, H, W) that returns as many of the same shape."""

Views = str | Sequence[View]
"""A name of :data:`VIEWS`, or functions of one's own."""


def _as_it_is(images: NDArray[Any]) -> NDArray[Any]:
    return images


def _mirrored(images: NDArray[Any]) -> NDArray[Any]:
    return images[:, :, :, ::-1]


def _shifted(down: int, right: int) -> View:
    """Make a view that is shifted by single pixels; the border's own move in."""

    def shift(images: NDArray[Any]) -> NDArray[Any]:
        _, _, H, W = images.shape
        rows = np.clip(np.arange(H) - down, 0, H - 1)
        columns = np.clip(np.arange(W) - right, 0, W - 1)
        return images[:, :, rows][:, :, :, columns]

    return shift


def _both(first: View, second: View) -> View:
    return lambda images: second(first(images))


_FLIPS: tuple[View, ...] = (_as_it_is, _mirrored)
_SHIFTS: tuple[View, ...] = (
    _as_it_is,
    *(_shifted(down, right) for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1))),
)

VIEWS: Mapping[str, tuple[View, ...]] = {
    "flip": _FLIPS,
    "shift": _SHIFTS,
    "flip+shift": tuple(_both(shift, flip) for flip in _FLIPS for shift in _SHIFTS),
}
"""The views that have a name: the image and its mirror image; the image and its shifts by
a pixel up, down, left and right; each of the two with each of the five."""


def find_views(where: str, views: Views | None) -> tuple[View, ...]:
    """Return the views that are meant; without any, the images as they are.

    Parameters
    ----------
    where : str
        Who asks; an error begins with it.
    views : str, sequence of callable, or None
        A name of :data:`VIEWS`, or functions of raw images.

    Returns
    -------
    tuple of callable
        At least one.

    Raises
    ------
    OptionError
        Where there is no such name, no view, or one that is no function.
    """
    if views is None:
        return (_as_it_is,)
    option = where.split()[-1]
    known = "one of " + ", ".join(map(repr, VIEWS))
    if isinstance(views, str):
        if views not in VIEWS:
            raise OptionError(
                f"{where}={written(views)}", known, f"use {option}={nearest(views, VIEWS)!r}"
            )
        return VIEWS[views]
    own: Any = views
    if not isinstance(own, Sequence) or not own or not all(map(callable, own)):
        raise OptionError(
            f"{where}={written(views)}",
            f"{known}, or at least one function of images",
            f"use {option}={next(iter(VIEWS))!r}",
        )
    return tuple(own)


def seen(where: str, view: View, images: NDArray[Any]) -> NDArray[Any]:
    """Return a view of images, which must be as many of the same shape.

    Parameters
    ----------
    where : str
        Who asks; an error begins with it.
    view : callable
        The view.
    images : ndarray of shape (N, C, H, W)
        Raw images.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        What the view returns; it may be a part of `images` itself.

    Raises
    ------
    ShapeError
        Where it returns something else.
    """
    out: object = view(images)
    if not isinstance(out, np.ndarray) or out.shape != images.shape:
        what = f"shape {out.shape}" if isinstance(out, np.ndarray) else f"a {type(out).__name__}"
        raise ShapeError(
            f"{where}: a view returned {what} of images of shape {images.shape}",
            "the images changed, as many and of the same shape",
            "return an array (N, C, H, W)",
        )
    return out
