"""The course's pictures of many images at once: grids, as arrays to show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DtypeError, ShapeError

__all__ = ["vis_grid", "vis_nn", "visualize_grid"]

Array = NDArray[Any]


def visualize_grid(Xs: Array, ubound: float = 255.0, padding: int = 1) -> Array:
    """Lay images out on a square grid, each stretched to the full range.

    Parameters
    ----------
    Xs : ndarray of shape (N, H, W, C)
        Images, channels last; filters, with ``W1.transpose(0, 2, 3, 1)``.
    ubound : float
        What the largest entry of each image becomes; the smallest becomes 0.
    padding : int
        Pixels between images.

    Returns
    -------
    ndarray of shape (A*H + (A-1)*padding, A*W + (A-1)*padding, C) of float64
        The grid of A x A places, A the root of N rounded up; what no image fills
        is 0, and so is an image of one value only.

    Raises
    ------
    ShapeError
        Where Xs has not four axes, or none of an image's axes has an entry.
    DtypeError
        Where Xs is no array of real numbers.

    Examples
    --------
    >>> Xs = np.array([[1.0, 3.0], [-2.0, -2.0]]).reshape(2, 1, 2, 1)
    >>> visualize_grid(Xs)[:, :, 0]
    array([[  0., 255.,   0.,   0.,   0.],
           [  0.,   0.,   0.,   0.,   0.],
           [  0.,   0.,   0.,   0.,   0.]])
    """
    images = _images("visualize_grid", "Xs", Xs).astype(np.float64)
    low = images.min(axis=(1, 2, 3), keepdims=True)
    span = images.max(axis=(1, 2, 3), keepdims=True) - low
    stretched = ubound * (images - low) / np.where(span == 0, 1, span)
    A = math.ceil(math.sqrt(len(images)))
    grid = _laid_out(stretched, A, A, padding, 0.0)
    return grid[: len(grid) - padding, : grid.shape[1] - padding]


def vis_grid(Xs: Array) -> Array:
    """Lay images out on a square grid, all on one scale from 0 to 1.

    Parameters
    ----------
    Xs : ndarray of shape (N, H, W, C)
        Images, channels last.

    Returns
    -------
    ndarray of shape (A*(H + 1), A*(W + 1), C)
        The grid of A x A places, A the root of N rounded up, each followed by one
        pixel of 0; what no image fills is 0.

    Raises
    ------
    ShapeError
        Where Xs has not four axes, or none of an image's axes has an entry.
    DtypeError
        Where Xs is no array of real numbers.

    Examples
    --------
    >>> vis_grid(np.array([[1.0, 3.0], [5.0, 3.0]]).reshape(2, 1, 2, 1))[0, :, 0]
    array([0. , 0.5, 0. , 1. , 0.5, 0. ])
    """
    images = _images("vis_grid", "Xs", Xs)
    A = math.ceil(math.sqrt(len(images)))
    return _to_unit(_laid_out(images, A, A, 1, images.min()))


def vis_nn(rows: Sequence[Sequence[Array]]) -> Array:
    """Lay rows of images out, all on one scale from 0 to 1.

    Parameters
    ----------
    rows : sequence of sequences of ndarray of shape (H, W, C)
        N rows of D images each.

    Returns
    -------
    ndarray of shape (N*(H + 1), D*(W + 1), C)
        The images, each followed by one pixel of the value 1, before scaling.

    Raises
    ------
    ShapeError
        Where rows or images differ in size.
    DtypeError
        Where an image is no array of real numbers.

    Examples
    --------
    >>> image = np.zeros((1, 1, 1))
    >>> vis_nn([[image, image + 2]])[0, :, 0]
    array([0. , 0.5, 1. , 0.5])
    """
    D = len(rows[0]) if len(rows) else 0
    sizes = {np.shape(image) for row in rows for image in row}
    if len(sizes) != 1 or any(len(row) != D for row in rows):
        lengths = sorted({len(row) for row in rows})
        raise ShapeError(
            f"vis_nn: rows of {lengths} images of the shapes {sorted(sizes)}",
            "rows of as many images each, all of one shape (H, W, C)",
            "cut the rows to one length, and the images to one size",
        )
    images = _images("vis_nn", "rows", np.array([image for row in rows for image in row]))
    return _to_unit(_laid_out(images, len(rows), D, 1, 1))


def _laid_out(images: Array, n_rows: int, n_columns: int, padding: int, background: Any) -> Array:
    """Put images row by row on a grid, each with padding below and to the right."""
    N, H, W, C = images.shape
    shape = (n_rows * (H + padding), n_columns * (W + padding), C)
    grid = np.full(shape, background, dtype=images.dtype)
    for n in range(N):
        top, left = n // n_columns * (H + padding), n % n_columns * (W + padding)
        grid[top : top + H, left : left + W] = images[n]
    return grid


def _to_unit(grid: Array) -> Array:
    low, high = grid.min().astype(np.float64), grid.max().astype(np.float64)
    unit: Array = (grid - low) / (high - low if high > low else 1)
    return unit


def _images(function: str, name: str, images: Any) -> Array:
    if not isinstance(images, np.ndarray) or images.dtype.kind not in "biuf":
        kind = images.dtype if isinstance(images, np.ndarray) else type(images).__name__
        raise DtypeError(
            f"{function}: {name} is {kind}", "an array of real numbers", f"use np.asarray({name})"
        )
    if images.ndim != 4 or images.size == 0:
        raise ShapeError(
            f"{function}: {name} has shape {images.shape}",
            "images (N, H, W, C) with an entry along each axis",
            f"use {name}[np.newaxis]" if images.ndim == 3 else "give it four axes, none of them 0",
        )
    return images
