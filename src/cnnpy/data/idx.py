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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DataError
from cnnpy.contract.options import flag
from cnnpy.data.dataset import Dataset, count_classes
from cnnpy.data.files import (
    DEFLATE_RATIO,
    GZIP_MAGIC,
    ByteSource,
    is_file,
    open_regular,
    shown,
    take,
)
from cnnpy.data.find import find
from cnnpy.data.lazy import LazyDataset
from cnnpy.data.records import ImageFile
from cnnpy.data.source import ImageSource
from cnnpy.data.splits import TrainTest

__all__ = ["fashion_mnist", "holds_idx", "idx_folder", "mnist", "n_plain_bytes", "read_idx"]

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_AXES = 8

S = TypeVar("S", bound=ImageSource)
_ReadPart = Callable[[Path, Path, NDArray[np.uint8], tuple[str, ...], str], S]

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
        _read_part,
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
        _read_part,
    )


@overload
def idx_folder(
    path: str | os.PathLike[str], *, lazy: Literal[False] = False
) -> TrainTest[Dataset]: ...


@overload
def idx_folder(
    path: str | os.PathLike[str], *, lazy: bool
) -> TrainTest[Dataset] | TrainTest[LazyDataset]: ...


def idx_folder(
    path: str | os.PathLike[str], *, lazy: bool = False
) -> TrainTest[Dataset] | TrainTest[LazyDataset]:
    """Load a folder with four IDX files that are called as MNIST's are.

    Parameters
    ----------
    path : path
        The folder: ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
        ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, gzipped or not.
    lazy : bool
        Whether to leave the images in the files, which must not be gzipped then, and
        read them when they are asked for.

    Returns
    -------
    TrainTest
        Training and test images (1, H, W) of uint8. The classes are called 0, 1, 2
        and so on.

    Raises
    ------
    MissingDataError
        If a file is not there.
    DataError
        If a file is corrupt or truncated, or gzipped where it is to be read lazily.
    """
    lazy = flag()("idx_folder", "lazy", lazy)
    folder = Path(path)
    name = shown(folder.resolve().name) or "images"
    get = "put the four files into {folder}"
    if lazy:
        return _four_files(name, None, folder, get, _open_part)
    return _four_files(name, None, folder, get, _read_part)


def holds_idx(folder: Path) -> bool:
    """Tell whether a folder has the training images of :func:`idx_folder`."""
    return _training_images(folder) is not None


def n_plain_bytes(folder: Path) -> int:
    """Return how many bytes the training images take where they are not gzipped, else 0."""
    path = _training_images(folder)
    return 0 if path is None or path.suffix == ".gz" else path.stat().st_size


def _training_images(folder: Path) -> Path | None:
    names = _spellings("train-images", 3)
    return next((folder / name for name in names if is_file(folder / name)), None)


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
    name: str,
    class_names: tuple[str, ...] | None,
    root: str | os.PathLike[str] | None,
    get: str,
    read: _ReadPart[S],
) -> TrainTest[S]:
    parts = [f"{part}-{what}" for part in ("train", "t10k") for what in ("images", "labels")]
    files = [_spellings(part, 3 if part.endswith("images") else 1) for part in parts]
    _, paths = find(name, {"idx": files}, root=root, get=get)
    images, labels = paths[::2], paths[1::2]
    y = [_read_bytes(path, 1) for path in labels]
    names = class_names or count_classes(shown(labels[0]), np.concatenate(y).astype(np.int64))
    train, test = (read(*part, names, name) for part in zip(images, labels, y, strict=True))
    return TrainTest(train, test)


def _spellings(part: str, n_axes: int) -> tuple[str, ...]:
    return tuple(
        f"{part}{mark}idx{n_axes}-ubyte{packed}" for packed in ("", ".gz") for mark in ("-", ".")
    )


def _read_part(
    images: Path, labels: Path, y: NDArray[np.uint8], class_names: tuple[str, ...], name: str
) -> Dataset:
    x = _read_bytes(images, 3)
    _check_part(images, x.shape, labels, y, class_names)
    return Dataset(x[:, np.newaxis], y, class_names, name)


def _open_part(
    images: Path, labels: Path, y: NDArray[np.uint8], class_names: tuple[str, ...], name: str
) -> LazyDataset:
    reader = _open_images(images)
    _check_part(images, reader.file_shape, labels, y, class_names)
    return LazyDataset(reader, y, class_names, name)


def _open_images(path: Path) -> ImageFile:
    """Read the header of a file of images, which must not be gzipped."""
    with open_regular(path) as (file, size):
        if file.read(2) == GZIP_MAGIC:
            raise DataError(
                f"{shown(path)}: is gzipped, so an image in it cannot be read alone",
                "a plain IDX file, to read it lazily",
                f"gunzip --keep {shown(path)}",
            )
        file.seek(0)
        shape, dtype = _read_header(path, file)
        n_bytes, there = math.prod(shape) * dtype.itemsize, size - file.tell()
    if n_bytes > there:
        raise _length_error(path, shape, n_bytes, "fewer", "is truncated")
    if n_bytes < there:
        raise _length_error(path, shape, n_bytes, "more", "is something else, or damaged")
    _check_bytes(path, dtype, shape, 3)
    return ImageFile(path, size - there, shape, dtype, "NHW")


def _check_part(
    images: Path,
    shape: tuple[int, ...],
    labels: Path,
    y: NDArray[np.uint8],
    class_names: tuple[str, ...],
) -> None:
    if shape[0] != len(y):
        raise DataError(
            f"{shown(images)} has {shape[0]} images; {shown(labels)} has {len(y)} labels",
            "one label for each image",
            "the files are of different sets: get both again",
        )
    if 0 in shape:
        raise DataError(
            f"{shown(images)}: its header says shape {shape}",
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


def _read_bytes(path: Path, n_axes: int) -> NDArray[np.uint8]:
    array = read_idx(path)
    _check_bytes(path, array.dtype, array.shape, n_axes)
    return array


def _check_bytes(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], n_axes: int) -> None:
    if dtype != np.uint8 or len(shape) != n_axes:
        raise DataError(
            f"{shown(path)}: holds {dtype} of shape {shape}",
            "uint8 images (N, H, W)" if n_axes == 3 else "uint8 labels (N,)",
            "this looks like the file of the labels: check the names"
            if len(shape) == 1
            else "check that the file is of this data set",
        )
