"""Dataset: labelled images, checked once when they are put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnpy.contract.errors import DataError, DtypeError, OptionError, ShapeError
from cnnpy.data.files import has_control_characters

__all__ = [
    "PIXEL_DTYPES",
    "Dataset",
    "Facts",
    "called",
    "check_facts",
    "check_finite",
    "check_images",
    "check_indices",
    "check_labels",
    "count_classes",
    "pixel_hint",
]

PIXEL_DTYPES = (np.dtype(np.uint8), np.dtype(np.float32), np.dtype(np.float64))
_CHUNK_IMAGES = 1024


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Hold labelled images of one shape in memory.

    Parameters
    ----------
    images : ndarray (N, C, H, W) of uint8, float32 or float64
        The images. Bytes stay bytes: turning them to floats is a matter of the batch.
    labels : ndarray (N,) of any integer type
        The class of each image, an index into `class_names`; kept as int64.
    class_names : sequence of str
        A name for each class.
    name : str
        What the data set is called, in messages and run folders.
    white : float
        The pixel value of full brightness: 255 for bytes, 16 for the built-in
        digits. It lets a network trained here read image files later.

    Raises
    ------
    ShapeError
        If images is not (N, C, H, W), or labels is not (N,).
    DtypeError
        If the images are no pixels, or the labels no integers.
    DataError
        If a label is out of range, a pixel is not finite, or two classes have one name.
    OptionError
        If white is not a positive number.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.zeros((3, 1, 8, 8), dtype=np.uint8)
    >>> pets = Dataset(images, np.array([0, 1, 1]), ("cat", "dog"), name="pets")
    >>> pets
    Dataset('pets': 3 images (1, 8, 8) of uint8, 2 classes)
    >>> len(pets), pets.shape, pets.n_classes
    (3, (1, 8, 8), 2)
    >>> pets.class_counts()
    array([1, 2])
    """

    images: NDArray[Any]
    labels: NDArray[np.integer[Any]]
    class_names: tuple[str, ...]
    name: str = "unnamed"
    white: float = 255.0

    def __post_init__(self) -> None:
        where = called(self.name)
        images = check_images(where, self.images)
        facts = check_facts(where, self.labels, len(images), self.class_names, self.white)
        check_finite(where, images)
        for field, value in (("images", images), *facts._asdict().items()):
            object.__setattr__(self, field, value)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name!r}: {len(self)} images {self.shape} of {self.images.dtype}, "
            f"{self.n_classes} classes)"
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the shape of one image, (C, H, W)."""
        _, C, H, W = self.images.shape
        return C, H, W

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the dtype of the pixels."""
        return self.images.dtype

    @property
    def n_classes(self) -> int:
        """Return how many classes there are."""
        return len(self.class_names)

    def class_counts(self) -> NDArray[np.int64]:
        """Count the images of each class.

        Returns
        -------
        ndarray (n_classes,) of int64
            How many images each class has.
        """
        return np.bincount(self.labels, minlength=self.n_classes).astype(np.int64)

    def subset(self, indices: ArrayLike) -> Dataset:
        """Take some of the images, in the order given.

        Parameters
        ----------
        indices : array-like (M,) of int, or (N,) of bool
            Which images, counted from 0 (a negative index is an error here), or
            a mask that is True for those to take.

        Returns
        -------
        Dataset
            Those images, copied.

        Raises
        ------
        DataError
            If an index is out of range.
        DtypeError
            If the indices are no integers.
        ShapeError
            If there is more than one axis, or a mask does not have N entries.

        Examples
        --------
        >>> import numpy as np
        >>> images = np.zeros((3, 1, 2, 2), dtype=np.uint8)
        >>> Dataset(images, np.array([0, 1, 1]), ("cat", "dog")).subset([2, 0]).labels
        array([1, 0])
        """
        chosen = check_indices(f"{called(self.name)}: subset", indices, len(self))
        return replace(
            self, images=np.take(self.images, chosen, axis=0), labels=self.labels[chosen]
        )

    def read(self, indices: ArrayLike) -> NDArray[Any]:
        """Return some of the images, in the order given.

        Parameters
        ----------
        indices : array-like (M,) of int, or (N,) of bool
            Which images, as in :meth:`subset`.

        Returns
        -------
        ndarray (M, C, H, W)
            A copy of them.

        Raises
        ------
        ShapeError, DtypeError, DataError
            As :meth:`subset` does.

        Examples
        --------
        >>> from cnnpy.data import digits
        >>> digits().read([0, 2])[:, 0, 3, :4]
        array([[ 0,  4, 12,  0],
               [ 0,  0,  1,  6]], dtype=uint8)
        """
        chosen = check_indices(f"{called(self.name)}: read", indices, len(self))
        return np.take(self.images, chosen, axis=0)


class Facts(NamedTuple):
    """What stands beside the pixels, checked.

    Parameters
    ----------
    labels : ndarray (N,) of int64
        The class of each image.
    class_names : tuple of str
        A name for each class.
    white : float
        The pixel value of full brightness.
    """

    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    white: float


def check_facts(
    where: str, labels: object, n_images: int, class_names: Sequence[str], white: float
) -> Facts:
    """Return what stands beside the pixels of `n_images` images, which must fit together."""
    classes = check_labels(where, labels, n_images)
    names = _check_class_names(where, class_names)
    _check_range(where, classes, names)
    return Facts(classes, names, _check_white(where, white))


def count_classes(where: str, labels: NDArray[np.int64]) -> tuple[str, ...]:
    """Name the classes by their numbers."""
    if not labels.size:
        raise DataError(f"{where}: holds no images", "at least one image", "save images")
    if labels.min() < 0 or labels.max() >= max(len(labels), 256):
        raise DataError(
            f"{where}: labels range from {labels.min()} to {labels.max()}; "
            f"there are {len(labels)} images",
            "classes numbered from 0, without gaps",
            "save labels=np.unique(labels, return_inverse=True)[1]",
        )
    return tuple(str(k) for k in range(int(labels.max()) + 1))


def check_indices(where: str, given: ArrayLike, N: int) -> NDArray[np.int64]:
    """Return indices of N images as int64, a mask as the indices where it is True."""
    indices = np.asarray(given)
    if indices.ndim != 1 or (indices.dtype == np.bool_ and len(indices) != N):
        raise ShapeError(
            f"{where}: indices has shape {indices.shape}",
            f"one axis of indices, or a mask of shape ({N},)",
            "use indices.reshape(-1)" if indices.ndim != 1 else f"give the mask {N} entries",
        )
    if indices.dtype == np.bool_:
        return np.flatnonzero(indices).astype(np.int64)
    if indices.dtype.kind not in "iu" and indices.size:
        raise DtypeError(
            f"{where}: indices has dtype {indices.dtype}",
            "integers, or a mask of bool",
            "use indices.astype(np.int64)",
        )
    wrong = (indices < 0) | (indices >= N)
    if wrong.any():
        at = int(wrong.argmax())
        raise DataError(
            f"{where}: indices[{at}] is {indices[at]}",
            f"indices from 0 to {N - 1}" if N else "no index: the data set is empty",
            f"use {N + int(indices[at])} to count from the end"
            if -N <= indices[at] < 0
            else "leave it out",
        )
    return indices.astype(np.int64)


def check_images(where: str, images: object) -> NDArray[Any]:
    """Return `images`, which must be pixels with the axes (N, C, H, W)."""
    array = _check_ndarray(where, "images", images, "uint8, float32 or float64")
    if array.dtype not in PIXEL_DTYPES or not array.dtype.isnative:
        raise DtypeError(
            f"{where}: images has dtype {array.dtype}",
            "uint8, float32 or float64, in the machine's byte order",
            pixel_hint(array),
        )
    if array.ndim != 4:
        raise ShapeError(
            f"{where}: images has shape {array.shape}", "images (N, C, H, W)", _axes_hint(array)
        )
    if 0 in array.shape[1:]:
        raise ShapeError(
            f"{where}: images has shape {array.shape}: no pixels",
            "images (N, C, H, W) with C, H and W of at least 1",
            f"give axis {array.shape.index(0, 1)} at least one entry",
        )
    return array


def check_labels(where: str, labels: object, n_images: int) -> NDArray[np.int64]:
    """Return `labels` as int64, which must be one integer for each image."""
    array = _check_ndarray(where, "labels", labels, "integers")
    if array.dtype.kind not in "iu":
        raise DtypeError(
            f"{where}: labels has dtype {array.dtype}",
            "class indices of an integer type",
            "use np.unique(labels, return_inverse=True)"
            if array.dtype.kind in "SUO"
            else "use labels.astype(np.int64)",
        )
    if array.shape != (n_images,):
        if array.shape == (n_images, 1):
            mend = "use labels[:, 0]"
        elif array.ndim == 2 and len(array) == n_images:
            mend = "labels looks one-hot: use labels.argmax(axis=1)"
        elif array.ndim == 1:
            less, more = sorted((len(array), n_images))
            mend = f"{more - less} {'images' if len(array) < n_images else 'labels'} too many"
        else:
            mend = "use labels.reshape(-1)"
        raise ShapeError(
            f"{where}: labels has shape {array.shape}; there are {n_images} images",
            f"labels of shape ({n_images},): one for each image",
            mend,
        )
    if array.dtype.kind == "u" and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise DataError(
            f"{where}: labels holds {array.max()}", "class indices", "number the classes from 0"
        )
    return array.astype(np.int64)


def _check_ndarray(where: str, name: str, value: object, kind: str) -> NDArray[Any]:
    if isinstance(value, np.ma.MaskedArray):
        raise DtypeError(
            f"{where}: {name} is a masked array",
            f"a plain NumPy array of {kind}: the mask would be lost",
            f"use {name}.filled(0), or leave the masked images out",
        )
    if not isinstance(value, np.ndarray):
        raise DtypeError(
            f"{where}: {name} is a {type(value).__name__}",
            f"a NumPy array of {kind}",
            f"use np.asarray({name})",
        )
    return np.asarray(value)


def pixel_hint(array: NDArray[Any]) -> str:
    """Say how to make pixels of an array that are none."""
    if array.dtype.kind == "f" and array.dtype.newbyteorder("=") in PIXEL_DTYPES:
        return f"it is byte-swapped: use images.astype(np.{array.dtype.newbyteorder('=')})"
    if array.dtype.kind in "iu" and array.size and array.min() >= 0 and array.max() <= 255:
        return "all values lie from 0 to 255: use images.astype(np.uint8)"
    if array.dtype == np.bool_:
        return "use images.astype(np.uint8) * 255"
    return "use images.astype(np.float32)"


def _axes_hint(array: NDArray[Any]) -> str:
    shape = array.shape
    if array.ndim == 3:
        return "for grey images use images[:, np.newaxis]; for one image images[np.newaxis]"
    if array.ndim == 2:
        side = math.isqrt(shape[1])
        if side and side * side == shape[1]:
            return f"for square grey images use images.reshape(-1, 1, {side}, {side})"
    return "use images.reshape(N, C, H, W)"


def called(name: str) -> str:
    """Return what the data set is called in messages."""
    if not isinstance(name, str) or not name or has_control_characters(name):
        raise DataError(
            f"data set: name is {name!a}",
            "text of at least one letter, without line breaks or control characters",
            "use name='unnamed'",
        )
    return f"data set {name!r}"


def _check_class_names(where: str, class_names: Sequence[str]) -> tuple[str, ...]:
    given: object = class_names
    if isinstance(given, (str, bytes)) or not isinstance(given, Sequence):
        raise DataError(
            f"{where}: class_names is {given!r}",
            "a sequence of names, one a class",
            f"use ({given!r},)" if isinstance(given, str) else 'use ("cat", "dog")',
        )
    for at, name in enumerate(class_names):
        if not isinstance(name, str) or not name or has_control_characters(name):
            raise DataError(
                f"{where}: class_names[{at}] is {name!a}",
                "a name: text of at least one letter, without line breaks or control characters",
                f"use {str(at)!r}",
            )
    names = tuple(str(name) for name in class_names)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(
            f"{where}: class_names holds {twice!r} twice",
            "a different name for each class",
            f"rename one, or give their images one label if {twice!r} is one class",
        )
    if not names:
        raise DataError(f"{where}: class_names is empty", "at least one class", "name the classes")
    return names


def _check_range(where: str, labels: NDArray[np.int64], names: tuple[str, ...]) -> None:
    K = len(names)
    wrong = (labels < 0) | (labels >= K)
    if not wrong.any():
        return
    at = int(wrong.argmax())
    if labels.min() == 1 and labels.max() == K:
        mend = "the classes are counted from 1: use labels - 1"
    else:
        mend = f"name the class {labels[at]}, or leave image {at} out"
    raise DataError(
        f"{where}: labels[{at}] is {labels[at]}; there are {K} classes",
        f"labels from 0 to {K - 1}",
        mend,
    )


def check_finite(
    where: str, images: NDArray[Any], numbers: NDArray[np.int64] | None = None
) -> None:
    """Demand finite pixels; `numbers` are those of the images, where they do not begin at 0."""
    if images.dtype.kind != "f":
        return
    for start in range(0, len(images), _CHUNK_IMAGES):  # in parts: a whole mask is a lot of memory
        finite = np.isfinite(images[start : start + _CHUNK_IMAGES]).all(axis=(1, 2, 3))
        if not finite.all():
            at = start + int(finite.argmin())
            at = at if numbers is None else int(numbers[at])
            raise DataError(
                f"{where}: images[{at}] holds NaN or infinity",
                "finite pixels",
                f"leave image {at} out, or use np.nan_to_num(images)",
            )


def _check_white(where: str, white: float) -> float:
    try:
        value = float(white)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise OptionError(
            f"{where}: white={white!r}",
            "the pixel value of full brightness, above 0",
            "use white=255 for bytes, white=1 for floats from 0 to 1",
        )
    return value
