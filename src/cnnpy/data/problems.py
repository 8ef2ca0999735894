"""What is wrong with images though nothing fails: told before a training begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnpy.data.dataset import Dataset
from cnnpy.data.files import shown
from cnnpy.data.fingerprints import Fingerprints, fingerprints, first_equals
from cnnpy.data.lazy import LazyDataset
from cnnpy.data.source import ImageSource
from cnnpy.data.splits import where_equal

__all__ = ["Problem", "problems"]

_UNBALANCED = 10  # times as many images of one class as of another
_SHOWN_CLASSES = 3


@dataclass(frozen=True)
class Problem:
    """Something about the data that a training should be told of.

    Parameters
    ----------
    kind : str
        ``"one class"``, ``"missing class"``, ``"unbalanced"``, ``"constant images"``,
        ``"contradiction"`` or ``"overlap"``.
    text : str
        What it is, with its numbers, in one line; images are counted from 0.
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


def problems(
    train: ImageSource, validation: ImageSource | None = None, *, pixels: bool | None = None
) -> list[Problem]:
    """Look for what keeps a training from learning, or makes its numbers untrue.

    - One class only: there is nothing to tell apart.
    - A class without images.
    - Unbalanced classes: one has ten times the images of another, or more.
    - Constant images: one value in all pixels.
    - Contradictions: equal images with different labels.
    - Overlap: validation images that are training images too, byte for byte.

    The last three look at the pixels of all images.

    Parameters
    ----------
    train : ImageSource
        The images to learn from.
    validation : ImageSource, optional
        The images that choose an epoch.
    pixels : bool, optional
        Whether to look at the pixels, or at the labels only. By default at those of parts
        that lie in memory, or that were read for a split already, which is remembered.

    Returns
    -------
    list of Problem
        Empty where nothing was found.

    Raises
    ------
    DataError
        If an image cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnpy.data import Dataset
    >>> images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1).repeat(2, axis=3)
    >>> images[:, :, :, 1] += 1
    >>> train = Dataset(images, np.zeros(6, int), ("cat", "dog"))
    >>> for problem in problems(train, train.subset([4, 5])):
    ...     print(problem.kind, "-", problem)
    one class - all 6 training images are of one class, 'cat'
    one class - all 2 validation images are of one class, 'cat'
    overlap - 2 of 2 validation images are training images too, first 0, which is 4
    """
    parts = {"training": train}
    if validation is not None and len(validation):
        parts["validation"] = validation
    found = list(_of_classes(parts))
    looked_at = {k: v for k, v in parts.items() if (_is_at_hand(v) if pixels is None else pixels)}
    prints = {name: fingerprints(part) for name, part in looked_at.items()}
    for name, part in looked_at.items():
        found += _of_pixels(name, part, prints[name])
    if len(looked_at) == 2 and _comparable(*looked_at.values()):
        found += _of_overlap(*(prints[name].digests for name in looked_at))
    return found


def _is_at_hand(part: ImageSource) -> bool:
    return part.is_fingerprinted if isinstance(part, LazyDataset) else isinstance(part, Dataset)


def _of_classes(parts: dict[str, ImageSource]) -> Iterator[Problem]:
    for name, part in parts.items():
        counts = part.class_counts()
        present = np.flatnonzero(counts)
        if len(present) == 1:
            only = _quoted(part, present)
            images = (
                f"all {counts.sum():,} {name} images are"
                if counts.sum() > 1
                else (f"the one {name} image is")
            )
            yield Problem("one class", f"{images} of one class, {only}")
            continue
        missing = np.flatnonzero(counts == 0)
        if len(missing) and len(present):
            what = "class" if len(missing) == 1 else f"{len(missing)} classes:"
            yield Problem("missing class", f"no {name} image of {what} {_quoted(part, missing)}")
        if name == "training" and len(present):
            yield from _of_balance(part, counts, present)


def _of_balance(
    part: ImageSource, counts: NDArray[np.int64], present: NDArray[np.int64]
) -> Iterator[Problem]:
    most, least = present[counts[present].argmax()], present[counts[present].argmin()]
    if counts[most] >= _UNBALANCED * counts[least]:
        yield Problem(
            "unbalanced",
            f"{counts[most]:,} training images of {_quoted(part, [most])}, and "
            f"{counts[least]:,} of {_quoted(part, [least])}",
        )


def _of_pixels(name: str, part: ImageSource, prints: Fingerprints) -> Iterator[Problem]:
    constant = np.flatnonzero(prints.constant)
    if len(constant) and min(part.shape[1:]) > 1:  # a row of features is no picture
        verb = "image has" if len(constant) == 1 else "images have"
        yield Problem(
            "constant images",
            f"{len(constant):,} of {len(part):,} {name} {verb} one value everywhere, "
            f"first {constant[0]}",
        )
    first = first_equals(prints.digests)
    against = np.flatnonzero(part.labels != part.labels[first])
    if len(against):
        b = against[0]
        a = first[b]
        yield Problem(
            "contradiction",
            f"{len(against):,} {name} {'image equals' if len(against) == 1 else 'images equal'} "
            f"one of another class, first {b} ({_quoted(part, part.labels[[b]])}), which is {a} "
            f"({_quoted(part, part.labels[[a]])})",
        )


def _of_overlap(train: NDArray[np.uint64], validation: NDArray[np.uint64]) -> Iterator[Problem]:
    equals = where_equal(train, validation)
    seen = np.flatnonzero(equals >= 0)
    if len(seen):
        verb = "image is a training image" if len(validation) == 1 else "images are training images"
        yield Problem(
            "overlap",
            f"{len(seen):,} of {len(validation):,} validation {verb} too, first {seen[0]}, "
            f"which is {equals[seen[0]]}",
        )


def _comparable(a: ImageSource, b: ImageSource) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype


def _quoted(part: ImageSource, classes: Iterable[int | np.integer]) -> str:
    names = [repr(shown(part.class_names[int(k)])) for k in classes]
    more = f" and {len(names) - _SHOWN_CLASSES} more" if len(names) > _SHOWN_CLASSES else ""
    return ", ".join(names[:_SHOWN_CLASSES]) + more
