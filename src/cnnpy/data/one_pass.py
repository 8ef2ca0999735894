"""Batches in one pass, from the bytes of a data set to floats, on backends that can.

The random draws and the values are those of augmentation and preprocessing one after
the other, to the bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.backends import registry
from cnnpy.contract.dtypes import FloatArray
from cnnpy.data.augment import Augmentation
from cnnpy.data.augment.drawn import draw
from cnnpy.data.preprocessing import Preprocessing, values_of_bytes

__all__ = ["one_pass"]


def one_pass(
    images: NDArray[Any],
    chosen: NDArray[np.int64],
    augment: Augmentation | None,
    preprocessing: Preprocessing | None,
    rng: np.random.Generator,
) -> FloatArray | None:
    """Gather images, move them as the augmentation draws, and turn them into floats.

    Parameters
    ----------
    images : ndarray of shape (M, C, H, W)
        All images.
    chosen : ndarray of shape (N,)
        The numbers of those in the batch.
    augment : callable or None
        As in :class:`cnnpy.data.Loader`.
    preprocessing : Preprocessing or None
        As there.
    rng : numpy.random.Generator
        Drawn from as the augmentation would.

    Returns
    -------
    ndarray of shape (N, C, H, W) or None
        None where this cannot be done in one pass; then nothing was drawn.
    """
    if (
        images.dtype != np.uint8
        or type(preprocessing) is not Preprocessing  # one of a user's own may do anything
        or preprocessing.shape != images.shape[1:]
    ):
        return None
    compiled = registry.companion(registry.current(), "images")
    if compiled is None:
        return None
    drawn = draw(augment, (len(chosen), *images.shape[1:]), rng)
    if drawn is None:
        return None
    values = values_of_bytes(preprocessing)
    batch: FloatArray = compiled.images_from_bytes(images, values, chosen, **drawn._asdict())
    return batch
