"""Images for scikit-learn, which knows rows of features: from X to rows, and to images."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from cnnpy.contract.errors import OptionError, ShapeError

__all__ = ["ImageShape", "as_rows", "check_same_images", "find_image_shape"]

ImageShape = tuple[int, int, int]

_COLOURS = (1, 3, 4)
"""Channels of grey, coloured and transparent images."""


def as_rows(where: str, X: Any) -> tuple[Any, ImageShape | None]:
    """Lay each image of X out as a row; leave what is rows already to scikit-learn.

    Parameters
    ----------
    where : str
        Who asks, for the messages.
    X : array-like
        Images (n, C, H, W), or anything that scikit-learn takes for (n, features).

    Returns
    -------
    rows : array-like
        Of shape (n, C * H * W), or X itself.
    image_shape : tuple of int (C, H, W) or None
        The shape of an image; None where X is none.

    Raises
    ------
    ShapeError
        Where X has three axes, or more than four.
    """
    array = np.asarray(X) if isinstance(X, list | tuple) else X
    axes = getattr(array, "ndim", 2)
    if axes <= 2:
        return X, None
    if axes != 4:
        raise ShapeError(
            f"{where}: X has shape {tuple(array.shape)}",
            "images (n, C, H, W), or rows (n, features)",
            "for grey images use X[:, np.newaxis], for one image X[np.newaxis]"
            if axes == 3
            else "use X.reshape(n, C, H, W)",
        )
    images = np.asarray(array)
    N, C, H, W = images.shape
    return images.reshape(N, C * H * W), (C, H, W)


def find_image_shape(
    where: str, given: ImageShape | None, n_features: int, image_shape: object
) -> ImageShape:
    """Decide which shape the images have: that of X, that of the parameter, or one row.

    Parameters
    ----------
    where : str
        Who asks, for the messages.
    given : tuple of int (C, H, W) or None
        The shape of an image of X; None where X is rows.
    n_features : int
        Numbers of an image.
    image_shape : tuple of int (C, H, W) or (H, W), or None
        The parameter of the estimator.

    Returns
    -------
    tuple of int
        The shape (C, H, W) of an image.

    Raises
    ------
    OptionError
        Where the parameter is no shape.
    ShapeError
        Where it is not that of X.
    """
    if image_shape is None:
        if given is not None:
            _warn_of_channels_last(where, given)
        return given or (1, 1, n_features)
    wanted = _check_image_shape(where, image_shape, n_features)
    if given is not None:
        check_same_images(where, given, wanted)
    elif math.prod(wanted) != n_features:
        raise ShapeError(
            f"{where}: X has {n_features} features; "
            f"image_shape={image_shape} has {math.prod(wanted)}",
            "as many features as an image has numbers, C * H * W",
            f"use image_shape={_likely_shape(n_features)}",
        )
    return wanted


def check_same_images(where: str, given: ImageShape, wanted: ImageShape) -> None:
    """Demand images of the shape that is wanted.

    Parameters
    ----------
    where : str
        Who asks, for the messages.
    given, wanted : tuple of int (C, H, W)
        The shape of an image of X, and what it should be.

    Raises
    ------
    ShapeError
        Where they differ.
    """
    if given == wanted:
        return
    C, H, W = wanted
    last = given == (H, W, C)
    raise ShapeError(
        f"{where}: X has images of shape {given}",
        f"images of shape (C, H, W) = {wanted}",
        "X looks like NHWC: use X.transpose(0, 3, 1, 2)"
        if last
        else f"resize the images to H={H}, W={W}"
        if given[0] == C
        else f"give images with C={C}, H={H}, W={W}",
    )


def _check_image_shape(where: str, image_shape: object, n_features: int) -> ImageShape:
    sizes = image_shape if isinstance(image_shape, tuple | list) else ()
    whole = all(isinstance(size, int | np.integer) and size > 0 for size in sizes)
    if not whole or len(sizes) not in (2, 3):
        raise OptionError(
            f"{where}: image_shape={image_shape!r}",
            "(C, H, W), or (H, W) for images of one channel, of at least 1 each",
            f"use image_shape={_likely_shape(n_features)}",
        )
    H, W = (int(size) for size in sizes[-2:])
    return (int(sizes[0]) if len(sizes) == 3 else 1), H, W


def _likely_shape(n_features: int) -> ImageShape:
    """Guess at a square image, grey or coloured, else at one row."""
    for C in (1, 3):
        side = math.isqrt(n_features // C)
        if side > 1 and C * side * side == n_features:
            return C, side, side
    return 1, 1, n_features


def _warn_of_channels_last(where: str, given: ImageShape) -> None:
    C, H, W = given
    if W in _COLOURS and C > max(_COLOURS):
        warnings.warn(
            f"{where}: X has images of shape {given}, taken as C={C} channels of "
            f"{H}x{W} pixels; if these are H, W, C, use X.transpose(0, 3, 1, 2), "
            f"if not, say image_shape={given}",
            UserWarning,
            stacklevel=5,  # who called fit
        )
