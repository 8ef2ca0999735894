"""Fingerprints: which images are equal byte for byte, found without holding any of them.

An image is remembered as a digest of 128 bits. All that is done with digests is sorting
arrays of them: an image costs some tens of bytes, however large it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cnnpy.data.chunks import in_chunks
from cnnpy.data.source import ImageSource

__all__ = ["Fingerprints", "fingerprint", "fingerprints", "first_equals", "joined"]


class Fingerprints(NamedTuple):
    """What is remembered of images.

    Parameters
    ----------
    digests : ndarray (N, 2) of uint64
        Equal where the bytes of the images are.
    constant : ndarray (N,) of bool
        Whether one value fills the image.
    """

    digests: NDArray[np.uint64]
    constant: NDArray[np.bool_]


@runtime_checkable
class _Remembering(Protocol):
    """A source that reads its images once for this, and remembers."""

    def fingerprints(self) -> Fingerprints:
        """Return what is remembered of all images."""


def fingerprints(source: ImageSource) -> Fingerprints:
    """Return the fingerprints of all images, in their order."""
    if isinstance(source, _Remembering):
        return source.fingerprints()
    return joined(in_chunks(source, fingerprint))


def fingerprint(images: NDArray[Any]) -> Fingerprints:
    """Fingerprint images (M, C, H, W) that lie in memory."""
    digests = b"".join(
        hashlib.blake2b(np.ascontiguousarray(image).reshape(-1).data, digest_size=16).digest()
        for image in images
    )
    constant = images.min(axis=(1, 2, 3)) == images.max(axis=(1, 2, 3))
    return Fingerprints(np.frombuffer(digests, np.uint64).reshape(-1, 2), constant)


def joined(parts: Iterable[Fingerprints]) -> Fingerprints:
    """Put the fingerprints of several parts behind each other."""
    parts = [Fingerprints(np.empty((0, 2), np.uint64), np.empty(0, np.bool_)), *parts]
    return Fingerprints(
        np.concatenate([part.digests for part in parts]),
        np.concatenate([part.constant for part in parts]),
    )


def first_equals(digests: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return for each image the number of the first that is equal to it.

    Parameters
    ----------
    digests : ndarray (N, 2) of uint64
        Those of the images.

    Returns
    -------
    ndarray (N,) of int64
        The image's own number where no earlier one is equal.

    Examples
    --------
    >>> first_equals(np.array([[7, 7], [1, 2], [7, 7], [1, 3], [1, 2]], dtype=np.uint64))
    array([0, 1, 0, 3, 1])
    """
    order = np.lexsort((digests[:, 1], digests[:, 0]))  # stable: equal ones stay ascending
    ordered = digests[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(order), np.int64)
    first[order] = order[begins][np.cumsum(begins) - 1]
    return first
