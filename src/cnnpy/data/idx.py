"""IDX files, the format of MNIST and Fashion-MNIST, plain or gzipped.

The format: two zero bytes, a byte for the dtype, a byte for the number of axes,
each axis as a big-endian 32-bit number, then the values, the last axis fastest.
Every field is checked, the sizes against the file's length, before memory is
taken; a gzipped file is never unpacked further than its header says.

Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DataError
from cnnpy.data.dataset import Dataset
from cnnpy.data.files import DEFLATE_RATIO, GZIP_MAGIC, ByteSource, open_regular, shown, take
from cnnpy.data.find import find
from cnnpy.data.splits import TrainTest

__all__ = ["fashion_mnist", "mnist", "read_idx"]

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_AXES = 8

_FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def fashion_mnist(root: str | os.PathLike[str] | None = None) -> TrainTest[Dataset]:
    """Load Fashion-MNIST: 70,000 grey images of clothes, 28 x 28.

    Parameters
    ----------
    root : path, optional
        The folder with the four IDX files, or the folder that has them in
        ``fashion-mnist``. Without it they are looked for where
        :func:`cnnpy.data.places` says, Debian's package dataset-fashion-mnist included.

    Returns
    -------
    TrainTest
        60,000 training and 10,000 test images (1, 28, 28) of uint8, ten classes.

    Raises
    ------
    MissingDataError
        If the files are not there; it says where it looked and how to get them.
    DataError
        If a file is corrupt or truncated.

    References
    ----------
    H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a novel image dataset for
    benchmarking machine learning algorithms. arXiv:1708.07747, 2017.
    """
    return _four_files(
        "fashion-mnist",
        _FASHION,
        root,
        "apt install dataset-fashion-mnist, or put the four files of "
        "https://github.com/zalandoresearch/fashion-mnist into {folder}",
    )


def mnist(root: str | os.PathLike[str] | None = None) -> TrainTest[Dataset]:
    """Load MNIST: 70,000 grey images of handwritten digits, 28 x 28.

    Parameters
    ----------
    root : path, optional
        The folder with the four IDX files, or the folder that has them in
        ``mnist``. Without it they are looked for where
        :func:`cnnpy.data.places` says.

    Returns
    -------
    TrainTest
        60,000 training and 10,000 test images (1, 28, 28) of uint8, ten classes.

    Raises
    ------
    MissingDataError
        If the files are not there; it says where it looked and how to get them.
    DataError
        If a file is corrupt or truncated.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to
    document recognition. Proceedings of the IEEE 86(11), 1998.
    """
    return _four_files(
        "mnist",
        tuple("0123456789"),
        root,
        "put the four files of http://yann.lecun.com/exdb/mnist/ into {folder}",
    )


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read one IDX file, plain or gzipped.

    Parameters
    ----------
    path : path
        The file; whether it is gzipped is told by its first bytes, not its name.

    Returns
    -------
    ndarray
        The array, with the axes of the header and in the machine's byte order.

    Raises
    ------
    MissingDataError
        If there is no such file.
    DataError
        If the file is no IDX file, truncated, longer than its header says, or corrupt.
    """
    path = Path(path)
    with open_regular(path) as (file, size), _unpacked(path, file, size) as (source, room):
        shape, dtype = _read_header(path, source)
        n_bytes = math.prod(shape) * dtype.itemsize
        if n_bytes > room - 4 - 4 * len(shape):
            raise _length_error(path, shape, n_bytes, "fewer", "is truncated")
        values = take(source, n_bytes)
        if len(values) < n_bytes:
            raise _length_error(path, shape, n_bytes, "fewer", "is truncated")
        if source.read(1):
            raise _length_error(path, shape, n_bytes, "more", "is something else, or damaged")
    array = np.frombuffer(values, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


@contextmanager
def _unpacked(path: Path, file: BinaryIO, size: int) -> Iterator[tuple[ByteSource, int]]:
    """Yield the plain bytes, and how many there can be at most."""
    gzipped = file.read(2) == GZIP_MAGIC
    file.seek(0)
    if not gzipped:
        yield file, size
        return
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield unpacked, size * DEFLATE_RATIO
    except (EOFError, zlib.error, gzip.BadGzipFile, struct.error) as error:
        raise DataError(
            f"{shown(path)}: its gzip data is damaged or truncated: {error}",
            "a whole gzip file",
            "get the file again: gzip -t tells whether it is whole",
        ) from error


def _read_header(path: Path, source: ByteSource) -> tuple[tuple[int, ...], np.dtype[Any]]:
    magic = source.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES:
        raise DataError(
            f"{shown(path)}: begins with the bytes {magic.hex(' ') or '(none)'}",
            "an IDX file, which begins with 00 00 and one of "
            + ", ".join(f"{code:02x}" for code in _DTYPES),
            "the file is empty: get it again" if not magic else "give an IDX file, plain or .gz",
        )
    n_axes = magic[3]
    if not 1 <= n_axes <= _MAX_AXES:
        raise DataError(
            f"{shown(path)}: its header says {n_axes} axes",
            f"from 1 to {_MAX_AXES} axes",
            "the file is damaged: get it again",
        )
    sizes = source.read(4 * n_axes)
    if len(sizes) < 4 * n_axes:
        raise DataError(
            f"{shown(path)}: ends within its header",
            f"{4 + 4 * n_axes} bytes of header",
            "the file is truncated: get it again",
        )
    return struct.unpack(f">{n_axes}I", sizes), np.dtype(_DTYPES[magic[2]])


def _length_error(
    path: Path, shape: tuple[int, ...], n_bytes: int, than: str, what: str
) -> DataError:
    return DataError(
        f"{shown(path)}: its header says shape {shape}, and there are {than} bytes than that takes",
        f"{n_bytes} bytes after the header",
        f"the file {what}: get it again",
    )


# --- the four files of MNIST and its kin ----------------------------------------------


def _four_files(
    name: str, class_names: tuple[str, ...], root: str | os.PathLike[str] | None, get: str
) -> TrainTest[Dataset]:
    parts = [f"{part}-{what}" for part in ("train", "t10k") for what in ("images", "labels")]
    files = [_spellings(part, 3 if part.endswith("images") else 1) for part in parts]
    _, paths = find(name, {"idx": files}, root=root, get=get)
    train_images, train_labels, test_images, test_labels = paths
    return TrainTest(
        _read_part(train_images, train_labels, class_names, name),
        _read_part(test_images, test_labels, class_names, name),
    )


def _spellings(part: str, n_axes: int) -> tuple[str, ...]:
    return tuple(
        f"{part}{mark}idx{n_axes}-ubyte{packed}" for packed in ("", ".gz") for mark in ("-", ".")
    )


def _read_part(images: Path, labels: Path, class_names: tuple[str, ...], name: str) -> Dataset:
    x, y = _read_bytes(images, 3), _read_bytes(labels, 1)
    if len(x) != len(y):
        raise DataError(
            f"{shown(images)} has {len(x)} images; {shown(labels)} has {len(y)} labels",
            "one label for each image",
            "the files are of different sets: get both again",
        )
    if 0 in x.shape:
        raise DataError(
            f"{shown(images)}: its header says shape {x.shape}",
            "images with pixels",
            "get the file again",
        )
    if y.max() >= len(class_names):
        at = int((y >= len(class_names)).argmax())
        raise DataError(
            f"{shown(labels)}: label {at} is {y[at]}",
            f"labels from 0 to {len(class_names) - 1}",
            "the file is damaged or of another set: get it again",
        )
    return Dataset(x[:, np.newaxis], y, class_names, name)


def _read_bytes(path: Path, n_axes: int) -> NDArray[np.uint8]:
    array = read_idx(path)
    if array.dtype != np.uint8 or array.ndim != n_axes:
        raise DataError(
            f"{shown(path)}: holds {array.dtype} of shape {array.shape}",
            "uint8 images (N, H, W)" if n_axes == 3 else "uint8 labels (N,)",
            "this looks like the file of the labels: check the names"
            if array.ndim == 1
            else "check that the file is of this data set",
        )
    return array
