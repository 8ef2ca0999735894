"""LazyDataset: labelled images that stay where they are until a batch asks for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnpy.contract.errors import CnnpyError, DtypeError, ShapeError
from cnnpy.data.chunks import in_chunks
from cnnpy.data.dataset import (
    PIXEL_DTYPES,
    Dataset,
    called,
    check_facts,
    check_finite,
    check_indices,
)
from cnnpy.data.fingerprints import Fingerprints, fingerprint

__all__ = ["ImageReader", "LazyDataset"]


class ImageReader(Protocol):
    """Read images from wherever they lie; write one for a store of your own.

    Several threads call `read` at once.

    Attributes
    ----------
    shape : tuple of three int (C, H, W)
        The shape of one image.
    dtype : numpy.dtype
        uint8, float32 or float64, in the machine's byte order.
    """

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the shape of one image, (C, H, W)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the dtype of the pixels."""

    def __len__(self) -> int:
        """Return how many images there are."""

    def read(self, rows: NDArray[np.int64], /) -> NDArray[Any]:
        """Read some images.

        Parameters
        ----------
        rows : ndarray (M,) of int64
            Which, from 0 to below N, in any order, some perhaps twice.

        Returns
        -------
        ndarray (M, C, H, W)
            A fresh array, of any strides.
        """


@dataclass(frozen=True, eq=False, repr=False)
class LazyDataset:
    """Hold labelled images of one shape that are read when they are asked for.

    In memory are the labels and, of each image, some tens of bytes; never the pixels
    of more than the batches at hand. It does all that a :class:`Dataset` does but to
    have `images` as an array: ask :meth:`read` for some.

    Parameters
    ----------
    reader : ImageReader
        What reads the images.
    labels : ndarray (N,) of any integer type
        The class of each image, an index into `class_names`; kept as int64.
    class_names : sequence of str
        A name for each class.
    name : str
        What the data set is called.
    white : float
        The pixel value of full brightness.
    rows : ndarray (N,) of int64, optional
        Which of the reader's images these are, and in what order; all by default.

    Raises
    ------
    ShapeError
        If the reader's images are not (C, H, W), or there is not one label an image.
    DtypeError
        If its images are no pixels, or the labels no integers.
    DataError
        If a label is out of range, or two classes have one name.
    OptionError
        If white is not a positive number.

    Examples
    --------
    >>> import numpy as np
    >>> class Ramps:
    ...     shape, dtype = (1, 2, 2), np.dtype(np.uint8)
    ...     def __len__(self):
    ...         return 100
    ...     def read(self, rows):
    ...         return np.arange(4, dtype=np.uint8).reshape(1, 1, 2, 2) + rows[
    ...             :, None, None, None
    ...         ].astype(np.uint8)
    >>> ramps = LazyDataset(Ramps(), np.arange(100) % 2, ("even", "odd"), name="ramps")
    >>> ramps
    LazyDataset('ramps': 100 images (1, 2, 2) of uint8, 2 classes)
    >>> ramps.subset([7, 3]).read([1])[0, 0]
    array([[3, 4],
           [5, 6]], dtype=uint8)
    """

    reader: ImageReader
    labels: NDArray[np.integer[Any]]
    class_names: tuple[str, ...]
    name: str = "unnamed"
    white: float = 255.0
    rows: NDArray[np.int64] | None = None
    _memory: _Memory = field(init=False)

    def __post_init__(self) -> None:
        where = called(self.name)
        _check_reader(where, self.reader)
        N = len(self.reader)
        rows = np.arange(N) if self.rows is None else check_indices(where, self.rows, N)
        facts = check_facts(where, self.labels, len(rows), self.class_names, self.white)
        for name, value in {"rows": rows, "_memory": _Memory(N), **facts._asdict()}.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return (
            f"LazyDataset({self.name!r}: {len(self)} images {self.shape} of {self.dtype}, "
            f"{self.n_classes} classes)"
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the shape of one image, (C, H, W)."""
        return self.reader.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the dtype of the pixels."""
        return self.reader.dtype

    @property
    def n_classes(self) -> int:
        """Return how many classes there are."""
        return len(self.class_names)

    @property
    def n_bytes(self) -> int:
        """Return how many bytes the pixels of all images would take."""
        return len(self) * math.prod(self.shape) * self.dtype.itemsize

    def class_counts(self) -> NDArray[np.int64]:
        """Count the images of each class.

        Returns
        -------
        ndarray (n_classes,) of int64
            How many images each class has.
        """
        return np.bincount(self.labels, minlength=self.n_classes).astype(np.int64)

    def subset(self, indices: ArrayLike) -> LazyDataset:
        """Take some of the images, in the order given, without reading any.

        Parameters
        ----------
        indices : array-like (M,) of int, or (N,) of bool
            Which images, counted from 0 (a negative index is an error here), or
            a mask that is True for those to take.

        Returns
        -------
        LazyDataset
            Those images.

        Raises
        ------
        DataError
            If an index is out of range.
        DtypeError
            If the indices are no integers.
        ShapeError
            If there is more than one axis, or a mask does not have N entries.
        """
        chosen = check_indices(f"{called(self.name)}: subset", indices, len(self))
        taken = replace(self, labels=self.labels[chosen], rows=self._rows[chosen])
        object.__setattr__(taken, "_memory", self._memory)
        return taken

    def read(self, indices: ArrayLike) -> NDArray[Any]:
        """Read some of the images, in the order given.

        Parameters
        ----------
        indices : array-like (M,) of int, or (N,) of bool
            Which images, as in :meth:`subset`.

        Returns
        -------
        ndarray (M, C, H, W)
            A fresh array.

        Raises
        ------
        ShapeError, DtypeError, DataError
            As :meth:`subset` does; and where a file has gone, is damaged, or holds a
            pixel that is not finite.
        """
        where = f"{called(self.name)}: read"
        rows = self._rows[check_indices(where, indices, len(self))]
        images = self.reader.read(rows)
        _check_read(where, images, (len(rows), *self.shape), self.dtype)
        check_finite(called(self.name), images, rows)
        return images

    def in_memory(self) -> Dataset:
        """Read all images into memory.

        Returns
        -------
        Dataset
            The same images with the same labels.

        Raises
        ------
        DataError
            Where :meth:`read` does.
        """
        images = np.empty((len(self), *self.shape), self.dtype)
        start = 0
        for chunk in in_chunks(self, lambda chunk: chunk):
            images[start : start + len(chunk)] = chunk
            start += len(chunk)
        return Dataset(images, self.labels, self.class_names, self.name, self.white)

    @property
    def is_fingerprinted(self) -> bool:
        """Tell whether all images have been read for their fingerprints already."""
        return bool(self._memory.known[self._rows].all())

    def fingerprints(self) -> Fingerprints:
        """Return what tells equal images; of each it is made once, for all subsets.

        Returns
        -------
        Fingerprints
            Digests (N, 2), and whether one value fills the image (N,).
        """
        memory, rows = self._memory, self._rows
        new = np.unique(rows[~memory.known[rows]])
        all_new = LazyDataset(self.reader, np.zeros(len(new), np.int64), ("any",), rows=new)
        start = 0
        for made in in_chunks(all_new, fingerprint):
            at = new[start : start + len(made.constant)]
            memory.digests[at], memory.constant[at] = made
            memory.known[at] = True
            start += len(at)
        return Fingerprints(memory.digests[rows], memory.constant[rows])

    @property
    def _rows(self) -> NDArray[np.int64]:
        assert self.rows is not None  # filled in at the beginning
        return self.rows


class _Memory:
    """Remember fingerprints of a reader's images; memory is taken as they come."""

    def __init__(self, N: int) -> None:
        self.digests = np.zeros((N, 2), np.uint64)
        self.constant, self.known = np.zeros((2, N), np.bool_)

    def __reduce__(self) -> tuple[type[_Memory], tuple[int]]:
        return _Memory, (len(self.known),)  # another process finds out for itself


def _check_reader(where: str, reader: ImageReader) -> None:
    shape: Sequence[int] = tuple(reader.shape)
    if len(shape) != 3 or not all(isinstance(n, int) and n > 0 for n in shape):
        raise ShapeError(
            f"{where}: its reader has images of shape {shape}",
            "the shape of one image, (C, H, W), of at least one pixel",
            "return three whole numbers above 0 from shape",
        )
    if reader.dtype not in PIXEL_DTYPES or not np.dtype(reader.dtype).isnative:
        raise DtypeError(
            f"{where}: its reader has images of dtype {reader.dtype}",
            "uint8, float32 or float64, in the machine's byte order",
            "return one of these from dtype, and read images of it",
        )


def _check_read(where: str, images: object, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Demand of a reader what it promised."""
    if isinstance(images, np.ndarray) and (images.shape, images.dtype) == (shape, dtype):
        return
    kind: type[CnnpyError] = ShapeError
    given = f"a {type(images).__name__}"
    if isinstance(images, np.ndarray):
        kind = DtypeError if images.shape == shape else ShapeError
        given = f"images {images.shape} of {images.dtype}"
    raise kind(
        f"{where}: the reader returned {given}",
        f"an array {shape} of {dtype}: one image for each row asked for",
        "mend the reader's read, or its shape and dtype",
    )
