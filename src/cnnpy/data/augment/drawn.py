"""What a chain of augmentations draws, where moving pixels once and hiding some is all it does.

So a batch can be made in one pass over its pixels, with the bits that the augmentations
give one after the other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.shapes import Shape
from cnnpy.data.augment.chain import Augmentation, parts_of
from cnnpy.data.augment.erasing import Cutout
from cnnpy.data.augment.moves import RandomCrop, RandomFlip, RandomShift
from cnnpy.data.augment.pixels import fill_of

__all__ = ["Drawn", "draw"]

_FLIPS = {"horizontal": 1, "vertical": 2}


class Drawn(NamedTuple):
    """Where the pixels of a batch come from, and which are hidden.

    Parameters
    ----------
    moves : ndarray of shape (N, 3)
        For each image a row, a column and its flips: pixel (i, j) is that of the source at
        (i' + row, j' + column), where j' is W - 1 - j if flips & 1, i' is H - 1 - i if
        flips & 2.
    border : {"zero", "edge", "reflect"}
        What stands beyond the border: 0, the border's own pixels, the image mirrored at them.
    holes : ndarray of shape (N, 4) or None
        The rectangle of each result that is hidden: top, bottom, left, right, the ends not
        included.
    fill : ndarray of shape (C,) of uint8
        What hides it.
    """

    moves: NDArray[np.int32]
    border: str
    holes: NDArray[np.int32] | None
    fill: NDArray[Any]


def draw(augment: Augmentation | None, shape: Shape, rng: np.random.Generator) -> Drawn | None:
    """Draw what an augmentation of bytes would, where this is all that it does.

    Parameters
    ----------
    augment : callable or None
        None moves nothing.
    shape : tuple of int (N, C, H, W)
        The shape of the batch.
    rng : numpy.random.Generator
        Drawn from as the augmentation would.

    Returns
    -------
    Drawn or None
        None where the augmentation does something else; then nothing was drawn.

    Raises
    ------
    ShapeError, OptionError
        Where the augmentation would.
    """
    parts = parts_of(augment)
    hiding = parts.pop() if parts and type(parts[-1]) is Cutout else None
    kinds = [type(part) for part in parts]
    windows = [part for part in parts if type(part) in (RandomShift, RandomCrop)]
    # a second shift moves in what the first did, which is no longer the border's
    if not {RandomShift, RandomCrop, RandomFlip}.issuperset(kinds) or len(windows) > 1:
        return None
    if any(isinstance(w, RandomCrop) and w.size not in (None, shape[2:]) for w in windows):
        return None
    moves = np.zeros((shape[0], 3), np.int32)
    for part in parts:
        _move(moves, part, shape, rng)
    border = next((w.fill for w in windows if isinstance(w, (RandomShift, RandomCrop))), "zero")
    if not isinstance(hiding, Cutout):
        return Drawn(moves, border, None, np.zeros(shape[1], np.uint8))
    fill = fill_of(hiding.NAME, hiding.fill, np.empty((0, *shape[1:]), np.uint8))
    return Drawn(moves, border, hiding.draw(shape, rng).astype(np.int32), fill)


def _move(
    moves: NDArray[np.int32], part: Augmentation, shape: Shape, rng: np.random.Generator
) -> None:
    """Put one augmentation behind those that the moves are of."""
    rows, columns, flips = moves.T
    if isinstance(part, (RandomShift, RandomCrop)):
        down, right = part.draw(shape, rng)
        rows += np.where(flips & 2, -down, down).astype(np.int32)
        columns += np.where(flips & 1, -right, right).astype(np.int32)
    elif isinstance(part, RandomFlip):
        flips ^= np.int32(_FLIPS[part.direction]) * part.draw(shape[0], rng)
