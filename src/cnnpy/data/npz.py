"""Data sets in ``.npz`` files: arrays under agreed names, in a zip archive.

Written: ``images`` (N, C, H, W), ``labels`` (N,), ``class_names`` (K,), ``name`` and
``white``. Read: the same, where ``x`` and ``y`` do for images and labels and the rest
may be missing. Nothing is unpickled, and what the archive and the array's header
say about sizes is held against each other and the file before memory is taken.
"""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import CnnpyError, DataError, ShapeError
from cnnpy.data.dataset import Dataset, check_images, check_labels, count_classes
from cnnpy.data.files import DEFLATE_RATIO, one_line, open_regular, shown, take
from cnnpy.data.npy import looks_channels_last, read_header
from cnnpy.disk import whole_file

__all__ = ["load_npz", "save_npz"]

_NAMES = {"images": ("images", "x"), "labels": ("labels", "y")}
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAX_MEMBERS = 1000
_MAX_SMALL_BYTES = 1 << 24  # of class names: 16 MiB

# What zipfile, zlib and NumPy's header reader raise where a file is damaged.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    ValueError,
    LookupError,
    OverflowError,
    RuntimeError,
)


def load_npz(path: str | os.PathLike[str]) -> Dataset:
    """Load a data set from an ``.npz`` file.

    Parameters
    ----------
    path : path
        The file: ``images`` (or ``x``) of shape (N, C, H, W) and uint8, float32 or
        float64; ``labels`` (or ``y``) of shape (N,) and any integer type; and, where
        it has them, ``class_names`` (K,) of text, ``name`` and ``white``.

    Returns
    -------
    Dataset
        The data set. Without ``class_names`` the classes are called 0, 1, 2 and so
        on up to the largest label; without ``white`` it is 255 for bytes and 1 for floats.

    Raises
    ------
    MissingDataError
        If there is no such file.
    ShapeError
        If the images are not (N, C, H, W), or look like (N, H, W, C).
    DtypeError
        If the images are no pixels, or the labels no integers.
    DataError
        If the file is damaged or lacks an array, or a label is out of range.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "two.npz"
    >>> np.savez(path, x=np.zeros((2, 1, 4, 4), dtype=np.uint8), y=np.array([0, 1]))
    >>> load_npz(path)
    Dataset('two': 2 images (1, 4, 4) of uint8, 2 classes)
    """
    path = Path(path)
    with _opened(path) as (archive, members):
        images = _read(path, archive, members, "images")
        labels = _read(path, archive, members, "labels")
        class_names = _texts(path, archive, members, "class_names")
        name = _texts(path, archive, members, "name")
        white = _number(path, archive, members, "white")
    where = shown(path)
    images = check_images(where, images)
    _check_layout(where, images)
    labels = check_labels(where, labels, len(images))
    return Dataset(
        images,
        labels,
        class_names or count_classes(where, labels),
        name=name[0] if name else shown(path.stem),
        white=white or (255.0 if images.dtype == np.uint8 else 1.0),
    )


def save_npz(path: str | os.PathLike[str], dataset: Dataset) -> None:
    """Save a data set as an ``.npz`` file.

    The file appears whole or not at all: it is written beside `path` under another
    name and then put in its place.

    Parameters
    ----------
    path : path
        The file to write; one that exists is replaced.
    dataset : Dataset
        What to save.

    Raises
    ------
    DataError
        If the folder is missing, not writable or full.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from cnnpy.data import digits
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "digits.npz"
    >>> save_npz(path, digits())
    >>> load_npz(path)
    Dataset('digits': 1797 images (1, 8, 8) of uint8, 10 classes)
    """
    target = Path(path).resolve()  # a link stays a link
    try:
        with whole_file(target) as file:
            np.savez_compressed(
                file,
                images=dataset.images,
                labels=dataset.labels,
                class_names=np.array(dataset.class_names),
                name=np.array(dataset.name),
                white=np.array(dataset.white),
            )
    except OSError as error:
        raise DataError(
            f"{shown(path)}: cannot be written: {error.strerror or error}",
            "a file in a folder that exists and has room",
            f"mkdir -p {shown(target.parent)}"
            if not target.parent.exists()
            else f"check {shown(target.parent)}: its rights, and df for the room on the disk",
        ) from error


# --- the archive ----------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """Open an archive, and list its arrays by name."""
    with open_regular(path) as (file, size):
        try:
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
                if len(entries) > _MAX_MEMBERS:
                    raise ValueError(f"holds {len(entries)} files")
                members = {e.filename.removesuffix(".npy"): e for e in entries}
                if len(members) < len(entries):
                    raise ValueError("holds two files of one name")
                for entry in entries:
                    _check_entry(entry, size)
                    archive.open(entry).close()  # its name stands in two places, which must agree
                yield archive, members
        except CnnpyError:
            raise
        except _DAMAGE as error:
            raise DataError(
                f"{shown(path)}: damaged or no .npz file: {one_line(error)}",
                "a whole .npz file, as np.savez writes it",
                "the file is empty: save it again"
                if not size
                else "save it again with np.savez(path, images=images, labels=labels)",
            ) from error


def _check_entry(entry: zipfile.ZipInfo, size: int) -> None:
    """Hold the sizes that an entry states against the file's."""
    if entry.compress_type not in _COMPRESSIONS:
        raise ValueError(f"{_safe(entry.filename)} is compressed in a way that NumPy does not use")
    if entry.compress_size > size or entry.file_size > entry.compress_size * DEFLATE_RATIO:
        raise ValueError(f"{_safe(entry.filename)} states a size that does not fit into the file")


def _read(
    path: Path, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], what: str
) -> NDArray[Any]:
    """Read the images or the labels."""
    present = [name for name in _NAMES[what] if name in members]
    if len(present) != 1:
        raise DataError(
            f"{shown(path)}: holds both {' and '.join(present)}"
            if present
            else f"{shown(path)}: has no {what}; it holds "
            + (", ".join(_safe(name) for name in list(members)[:9]) or "nothing"),
            f"one array named {' or '.join(_NAMES[what])}",
            f"save it with np.savez(path, images=images, labels=labels), without {present[1]}"
            if present
            else "save it with np.savez(path, images=images, labels=labels)",
        )
    return _member(path, archive, members[present[0]], present[0])


def _member(
    path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str
) -> NDArray[Any]:
    """Read one array, after holding its header against the entry's stated size."""
    with archive.open(entry) as source:
        shape, fortran, dtype = read_header(path, source, name)
        n_bytes = math.prod(shape) * dtype.itemsize
        if n_bytes != entry.file_size - source.tell():
            raise ValueError(
                f"{name} has shape {shape} and dtype {dtype}, which take {n_bytes} bytes, and "
                f"{entry.file_size - source.tell()} are there"
            )
        values = take(source, n_bytes)
        if len(values) < n_bytes or source.read(1):
            raise ValueError(f"{name} is truncated")
    array = np.frombuffer(values, dtype) if n_bytes else np.empty(0, dtype)
    array = array.reshape(shape, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _texts(
    path: Path, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str
) -> tuple[str, ...]:
    """Read texts, none where the archive has no such array."""
    if name not in members:
        return ()
    array = _small(path, archive, members[name], name)
    if array.dtype.kind not in "US" or array.ndim > 1 or not array.size:
        raise DataError(
            f"{shown(path)}: {name} has dtype {array.dtype} and shape {array.shape}",
            "one axis of text",
            f"save {name}=np.array([...]) of str",
        )
    texts = array.reshape(-1)
    if texts.dtype.kind == "S":
        texts = np.char.decode(texts, "utf-8")
    return tuple(texts.tolist())


def _number(
    path: Path, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str
) -> float | None:
    """Read a number, None where the archive has no such array."""
    if name not in members:
        return None
    array = _small(path, archive, members[name], name)
    number = float(array.reshape(-1)[0]) if array.size == 1 and array.dtype.kind in "iuf" else 0.0
    if not (math.isfinite(number) and number > 0):
        raise DataError(
            f"{shown(path)}: {name} is no number above 0",
            "the pixel value of full brightness",
            f"save {name}=255.0",
        )
    return number


def _small(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> NDArray[Any]:
    if entry.file_size > _MAX_SMALL_BYTES:
        raise ValueError(f"{name} has {entry.file_size} bytes")
    return _member(path, archive, entry, name)


# --- what the arrays must be ------------------------------------------------------------


def _check_layout(where: str, images: NDArray[Any]) -> None:
    """Refuse images whose channels look to be last; to guess would train on stripes."""
    if looks_channels_last(images.shape):
        raise ShapeError(
            f"{where}: images has shape {images.shape}",
            "images (N, C, H, W)",
            "images looks like NHWC: save images.transpose(0, 3, 1, 2)",
        )


def _safe(name: str) -> str:
    return ascii(name)[1:-1][:60]
