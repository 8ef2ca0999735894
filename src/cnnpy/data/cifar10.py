"""CIFAR-10 in the forms in which its authors give it out.

The binary form is records of one byte of label and 3 x 32 x 32 bytes of pixels.
The Python form is pickled dictionaries, read by :mod:`cnnpy.data.pickled`, which
runs nothing. Either may lie unpacked in a folder or still in its ``.tar.gz``: of an
archive only the six files wanted are read, by name, and nothing is written to disk.
"""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import CnnpyError, DataError
from cnnpy.data.dataset import Dataset
from cnnpy.data.files import GZIP_MAGIC, is_file, open_regular, shown, take
from cnnpy.data.find import Form, find
from cnnpy.data.pickled import read_pickled_dict
from cnnpy.data.splits import TrainTest

__all__ = ["cifar10"]

_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_MAX_FILE_BYTES = 1 << 28  # the real ones have 31 million
_MAX_ARCHIVE_BYTES = 1 << 29  # unpacked; the real ones have 190 million
_MAX_MEMBERS = 1000

_Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]

_GET = (
    "put the folder cifar-10-batches-bin or cifar-10-batches-py of "
    "https://www.cs.toronto.edu/~kriz/cifar.html, or its .tar.gz, into {folder}"
)


def cifar10(root: str | os.PathLike[str] | None = None) -> TrainTest[Dataset]:
    """Load CIFAR-10: 60,000 colour images of ten kinds, 32 x 32.

    Parameters
    ----------
    root : path, optional
        The folder with the batches, a folder that has them in
        ``cifar-10-batches-bin``, ``cifar-10-batches-py`` or ``cifar10``, or the
        ``.tar.gz`` archive itself. Without it they are looked for where
        :func:`cnnpy.data.places` says.

    Returns
    -------
    TrainTest
        50,000 training and 10,000 test images (3, 32, 32) of uint8, ten classes.

    Raises
    ------
    MissingDataError
        If the files are not there; it says where it looked and how to get them.
    DataError
        If a file is corrupt or truncated, or a pickle asks to run anything.

    References
    ----------
    A. Krizhevsky: Learning multiple layers of features from tiny images. Technical
    report, University of Toronto, 2009.
    """
    if root is not None and is_file(Path(root)):
        return _join(_read_archive(Path(root)))
    form, paths = find("cifar10", _FORMS, root=root, get=_GET)
    if form == "archive":
        return _join(_read_archive(paths[0]))
    return _join([_READERS[form](_read_file(path), shown(path)) for path in paths])


def _join(parts: list[_Part]) -> TrainTest[Dataset]:
    """Make two data sets of five training batches and a test batch."""
    *train, test = parts
    images = np.concatenate([x for x, _ in train])
    labels = np.concatenate([y for _, y in train])
    return TrainTest(
        Dataset(images, labels, _CLASSES, "cifar10"), Dataset(*test, _CLASSES, "cifar10")
    )


def _read_file(path: Path) -> bytearray:
    with open_regular(path) as (file, size):
        if size > _MAX_FILE_BYTES:
            raise DataError(
                f"{shown(path)}: has {size} bytes",
                f"a batch of CIFAR-10, at most {_MAX_FILE_BYTES} bytes",
                "check that the file is of this data set",
            )
        return take(file, size)


# --- one batch ------------------------------------------------------------------------


def _read_binary(data: bytearray, source: str) -> _Part:
    if not data or len(data) % (1 + _PIXELS):
        raise DataError(
            f"{source}: has {len(data)} bytes: {len(data) / (1 + _PIXELS):.1f} records",
            f"whole records of {1 + _PIXELS} bytes: a label and 3 x 32 x 32 pixels",
            "the file is truncated or of another set: get it again",
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, 1 + _PIXELS)
    labels = np.ascontiguousarray(records[:, 0])
    _check_labels(labels, source)
    return records[:, 1:].reshape(-1, *_SHAPE), labels


def _read_python(data: bytearray, source: str) -> _Part:
    batch = read_pickled_dict(bytes(data), source)
    pixels, labels = batch.get("data"), batch.get("labels")
    if pixels is None or labels is None:
        raise DataError(
            f"{source}: holds {', '.join(sorted(ascii(key)[1:-1][:40] for key in batch)[:9])}",
            "data and labels",
            "this is CIFAR-100: give CIFAR-10"
            if "fine_labels" in batch
            else "check that the file is a batch of CIFAR-10",
        )
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != _PIXELS:
        shape = pixels.shape if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise DataError(
            f"{source}: data is {shape}",
            f"an array (N, {_PIXELS}) of uint8",
            "check that the file is a batch of CIFAR-10",
        )
    if not isinstance(labels, list) or not all(type(k) is int and 0 <= k <= 255 for k in labels):
        raise DataError(
            f"{source}: labels is no list of small integers",
            "a list of integers from 0 to 9",
            "check that the file is a batch of CIFAR-10",
        )
    if len(labels) != len(pixels) or not labels:
        raise DataError(
            f"{source}: {len(pixels)} images and {len(labels)} labels",
            "one label for each image, and at least one image",
            "the file is damaged: get it again",
        )
    classes = np.array(labels, dtype=np.uint8)
    _check_labels(classes, source)
    return pixels.reshape(-1, *_SHAPE), classes


def _check_labels(labels: NDArray[np.uint8], source: str) -> None:
    if labels.max() >= len(_CLASSES):
        at = int((labels >= len(_CLASSES)).argmax())
        raise DataError(
            f"{source}: label {at} is {labels[at]}",
            f"labels from 0 to {len(_CLASSES) - 1}",
            "the file is damaged or of another set (CIFAR-100 has two labels a record)",
        )


_READERS: dict[str, Callable[[bytearray, str], _Part]] = {
    "binary": _read_binary,
    "python": _read_python,
}
_BATCHES = (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")
_FILE_NAMES = {
    "binary": tuple(f"{batch}.bin" for batch in _BATCHES),
    "python": _BATCHES,
}
_FORMS: dict[str, Form] = {
    "binary": [(f"cifar-10-batches-bin/{name}", name) for name in _FILE_NAMES["binary"]],
    "python": [(f"cifar-10-batches-py/{name}", name) for name in _FILE_NAMES["python"]],
    "archive": [("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz")],
}


# --- archives -------------------------------------------------------------------------

# What tarfile and gzip raise where an archive is damaged; RecursionError where its
# headers are nested to do harm.
_DAMAGE = (
    tarfile.TarError,
    gzip.BadGzipFile,
    EOFError,
    zlib.error,
    struct.error,
    ValueError,
    LookupError,
    RecursionError,
)


class _Bounded(io.RawIOBase):
    """Hand out the bytes of a source up to a bound, and no more."""

    def __init__(self, source: gzip.GzipFile, n_bytes: int, path: Path) -> None:
        super().__init__()
        self.source = source
        self.left = n_bytes
        self.path = path

    def readable(self) -> bool:
        """Say that bytes can be read."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, or refuse."""
        chunk = self.source.read(min(size, self.left + 1) if size >= 0 else self.left + 1)
        self.left -= len(chunk)
        if self.left < 0:
            raise DataError(
                f"{shown(self.path)}: unpacks to more than {_MAX_ARCHIVE_BYTES} bytes",
                "an archive of CIFAR-10",
                "check that the file is of this data set",
            )
        return chunk


def _read_archive(path: Path) -> list[_Part]:
    """Read the six batches of an archive of either form."""
    with open_regular(path) as (file, _):
        try:
            found = _read_members(path, file)
        except CnnpyError:
            raise
        except _DAMAGE as error:
            raise DataError(
                f"{shown(path)}: damaged or truncated archive: {error}",
                "a whole .tar.gz archive",
                "get the file again: gzip -t tells whether it is whole",
            ) from error
    for form, names in _FILE_NAMES.items():
        if all(name in found for name in names):
            return [_READERS[form](found[name], f"{shown(path)}: {name}") for name in names]
    raise DataError(
        f"{shown(path)}: holds {', '.join(found) or 'no batch of CIFAR-10'}",
        "data_batch_1 to data_batch_5 and test_batch, all six with or all without .bin",
        "the archive is truncated or of another set: get it again",
    )


def _read_members(path: Path, file: BinaryIO) -> dict[str, bytearray]:
    if file.read(2) != GZIP_MAGIC:
        raise DataError(
            f"{shown(path)}: is not gzipped", "a .tar.gz archive, or a folder", "give one of these"
        )
    file.seek(0)
    wanted = {name for names in _FILE_NAMES.values() for name in names}
    found: dict[str, bytearray] = {}
    with gzip.GzipFile(fileobj=file) as unpacked:
        bounded = _Bounded(unpacked, _MAX_ARCHIVE_BYTES, path)
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            for count, member in enumerate(archive):
                if count >= _MAX_MEMBERS:
                    raise DataError(
                        f"{shown(path)}: holds more than {_MAX_MEMBERS} files",
                        "an archive of CIFAR-10",
                        "check that the file is of this data set",
                    )
                name = PurePosixPath(member.name).name
                if name in wanted and member.isreg():
                    found[name] = _read_member(path, archive, member, name)
    return found


def _read_member(
    path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo, name: str
) -> bytearray:
    content = archive.extractfile(member)
    if content is None or not 0 <= member.size <= _MAX_FILE_BYTES:
        raise DataError(
            f"{shown(path)}: {name} has {member.size} bytes",
            f"a batch of CIFAR-10, at most {_MAX_FILE_BYTES} bytes",
            "check that the file is of this data set",
        )
    data = take(content, member.size)
    if len(data) < member.size:
        raise DataError(
            f"{shown(path)}: {name} is cut off after {len(data)} bytes",
            f"{member.size} bytes",
            "the archive is truncated: get it again",
        )
    return data
