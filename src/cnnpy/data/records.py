"""Images that lie one after the other in a file, read by their numbers."""

from __future__ import annotations

import itertools
import math
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DataError
from cnnpy.data.files import open_regular, shown

__all__ = ["LAYOUTS", "ImageFile"]

# From the axes of a file to (N, C, H, W): which axis stands where, None for a new one.
LAYOUTS: dict[str, tuple[int | None, ...]] = {
    "NCHW": (0, 1, 2, 3),
    "NHWC": (0, 3, 1, 2),
    "NHW": (0, None, 1, 2),
}


class ImageFile:
    """Read images from an array in a file, whose first axis counts them.

    It reads at positions and maps nothing: the pages of a mapping that were touched
    count as the process's own memory, until all of the file does. The file stays open,
    so that one that is deleted or replaced can be read to the end of the run; threads
    do not disturb each other, since a read says where it begins.

    Parameters
    ----------
    path : Path
        The file.
    offset : int
        The byte at which the first image begins.
    file_shape : tuple of int
        The shape of the whole array, in C order.
    dtype : numpy.dtype
        The pixels in the file, in any byte order.
    layout : {"NCHW", "NHWC", "NHW"}
        What the axes are.

    Raises
    ------
    MissingDataError, DataError
        If the file is not there or cannot be read, or has less than the array takes.
    """

    def __init__(
        self,
        path: Path,
        offset: int,
        file_shape: tuple[int, ...],
        dtype: np.dtype[Any],
        layout: str = "NCHW",
    ) -> None:
        self.path, self.offset, self.file_shape = Path(path), offset, file_shape
        self.file_dtype, self.layout = dtype, layout
        self.dtype: np.dtype[Any] = dtype.newbyteorder("=")
        C, H, W = (1 if axis is None else file_shape[axis] for axis in LAYOUTS[layout][1:])
        self.shape = C, H, W
        self._record = math.prod(file_shape[1:]) * dtype.itemsize
        with open_regular(self.path) as (file, size):
            if size < offset + len(self) * self._record:
                raise self._ended()
            self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)

    def __len__(self) -> int:
        return self.file_shape[0]

    def __reduce__(self) -> tuple[Any, ...]:
        return ImageFile, (self.path, self.offset, self.file_shape, self.file_dtype, self.layout)

    def read(self, rows: NDArray[np.int64], /) -> NDArray[Any]:
        """Read some images.

        Parameters
        ----------
        rows : ndarray (M,) of int64
            Which, from 0 to below N.

        Returns
        -------
        ndarray (M, C, H, W)
            A fresh array.

        Raises
        ------
        DataError
            If the file ends early, or the disk fails.
        """
        raw = np.empty((len(rows), *self.file_shape[1:]), self.file_dtype)
        places = raw.reshape(len(rows), math.prod(self.file_shape[1:])).view(np.uint8)
        # Neighbours come in one read: all of a chunk, where images are read in their order.
        edges = np.flatnonzero(np.diff(rows, prepend=-2, append=-2) != 1)
        for first, end in itertools.pairwise(edges.tolist()):
            self._fill(places[first:end], self.offset + int(rows[first]) * self._record)
        axes = LAYOUTS[self.layout]
        images = raw.transpose([axis for axis in axes if axis is not None])
        images = images[:, np.newaxis] if None in axes else images
        return images.astype(self.dtype, copy=False)

    def _fill(self, place: NDArray[np.uint8], position: int) -> None:
        rest = place.data.cast("B")
        while rest:  # the system may give less than was asked for
            try:
                n = os.preadv(self._descriptor, [rest], position)
            except OSError as error:
                raise DataError(
                    f"{shown(self.path)}: {error.strerror or error}",
                    "a file that can be read to its end",
                    "check the disk, or copy the file to another",
                ) from error
            if not n:
                raise self._ended()
            rest, position = rest[n:], position + n

    def _ended(self) -> DataError:
        n_bytes = self.offset + len(self) * self._record
        return DataError(
            f"{shown(self.path)}: ends early: its header says shape {self.file_shape}",
            f"{n_bytes} bytes",
            "the file is truncated, or was cut while it was read: get it again",
        )
