"""Random draws that every backend must repeat: the mask of dropout."""

from __future__ import annotations

import math
import operator

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import OptionError
from cnnpy.contract.shapes import Shape

__all__ = ["dropout_mask"]


def dropout_mask(
    shape: Shape, p: float, seed: int | np.random.Generator | None
) -> NDArray[np.bool_]:
    """Draw which entries stay: each with probability ``1 - p``.

    An integer seed names one mask for good: entry k (row-major) stays where word
    k of the Philox 4x64-10 stream with the key `seed`, cut into 32-bit halves
    (low half first), is at least ``round(p * 2**32)``. A generator is drawn from,
    and moves on.

    Parameters
    ----------
    shape : tuple of int
        The shape of the mask.
    p : float
        The probability of being dropped.
    seed : int, numpy.random.Generator or None
        None draws a fresh seed from the system.

    Returns
    -------
    ndarray of bool
        True where an entry stays.

    Raises
    ------
    OptionError
        Where `seed` is nothing of these.

    References
    ----------
    Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.
    """
    n = math.prod(shape)
    if isinstance(seed, np.random.Generator):
        key = int(seed.integers(2**63))
    elif seed is None:
        key = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    else:
        key = _integer(seed)
    words = np.random.Philox(key=key % 2**64).random_raw((n + 1) // 2)
    halves = words.astype("<u8", copy=False).view("<u4")[:n]
    return (halves >= round(p * 2**32)).reshape(shape)


def _integer(seed: object) -> int:
    try:
        return operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        is_number = isinstance(seed, float) and math.isfinite(seed)
        raise OptionError(
            f"dropout: seed={seed!r}",
            "an integer, a numpy.random.Generator, or None",
            f"use seed={round(seed)}"  # type: ignore[call-overload]
            if is_number
            else "use seed=np.random.default_rng(0), or an integer",
        ) from None
