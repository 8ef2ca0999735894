"""Data sets in folders of ``.npy`` files, which may be larger than memory.

A folder has ``images.npy`` and ``labels.npy`` and, where it is not to be guessed,
``classes.txt`` with a class a line and ``dataset.json`` with the name and the value of
white. Nothing is unpickled, and what a header says is held against the file's length.
"""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, TypeVar, overload

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from cnnpy.contract.errors import DataError, DtypeError, ShapeError
from cnnpy.contract.options import choice, flag
from cnnpy.data.chunks import in_chunks
from cnnpy.data.dataset import PIXEL_DTYPES, Dataset, check_images, check_labels, count_classes
from cnnpy.data.files import is_file, one_line, open_regular, shown, take
from cnnpy.data.lazy import LazyDataset
from cnnpy.data.records import LAYOUTS, ImageFile
from cnnpy.data.source import ImageSource
from cnnpy.disk import whole_folder

__all__ = [
    "IMAGES",
    "load_npy",
    "looks_channels_last",
    "open_npy",
    "read_header",
    "save_npy",
]

IMAGES, _LABELS = "images.npy", "labels.npy"
_CLASSES, _ABOUT = "classes.txt", "dataset.json"
_MAX_TEXT_BYTES = 1 << 24
_MAX_AXES = 32
_CHANNELS = (1, 3, 4)

T = TypeVar("T")


class Header(NamedTuple):
    """What stands before the values of an array.

    Parameters
    ----------
    shape : tuple of int
        Of sizes from 0; nothing says yet that the file has as many values.
    fortran : bool
        Whether the first axis is the fastest.
    dtype : numpy.dtype
        Of plain values, in any byte order.
    """

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]


@overload
def load_npy(
    folder: str | os.PathLike[str], *, layout: str | None = None, lazy: Literal[False] = False
) -> Dataset: ...


@overload
def load_npy(
    folder: str | os.PathLike[str], *, layout: str | None = None, lazy: bool
) -> Dataset | LazyDataset: ...


def load_npy(
    folder: str | os.PathLike[str], *, layout: str | None = None, lazy: bool = False
) -> Dataset | LazyDataset:
    r"""Load a data set from a folder of ``.npy`` files.

    Parameters
    ----------
    folder : path
        The folder: ``images.npy``, of uint8, float32 or float64 in C order;
        ``labels.npy``, (N,) of any integer type; where it has it ``classes.txt``, a
        class a line; and ``dataset.json``, as :func:`save_npy` writes it.
    layout : {"NCHW", "NHW", "NHWC"}, optional
        The axes of ``images.npy``. By default those of 4 axes are (N, C, H, W) and those
        of 3 are grey (N, H, W); channels at the end have to be asked for.
    lazy : bool
        Whether to leave the images in the file, and read them when they are asked for.

    Returns
    -------
    Dataset or LazyDataset
        The images; a LazyDataset where `lazy` says so. Without ``classes.txt`` the
        classes are called 0, 1, 2 and so on; without ``dataset.json`` white is 255 for
        bytes and 1 for floats.

    Raises
    ------
    MissingDataError
        If a file is not there.
    ShapeError
        If the images are not as `layout` says, or look like (N, H, W, C).
    DtypeError
        If the images are no pixels, or the labels no integers.
    DataError
        If a file is damaged or truncated, in Fortran order, or a label is out of range.
    OptionError
        If an option is unknown.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> np.save(folder / "images.npy", np.zeros((4, 8, 8), dtype=np.uint8))
    >>> np.save(folder / "labels.npy", np.array([0, 1, 2, 1]))
    >>> _ = (folder / "classes.txt").write_text("cat\ndog\nbird\n")
    >>> load_npy(folder, lazy=True).class_counts()
    array([1, 2, 1])
    """
    (source,) = open_npy([Path(folder)], layout)
    return source if flag()("load_npy", "lazy", lazy) else source.in_memory()


def open_npy(folders: Sequence[Path], layout: str | None = None) -> list[LazyDataset]:
    """Open the parts of a data set; what they lack beside the arrays may lie above them."""
    readers = [_open_images(folder / IMAGES, layout) for folder in folders]
    labels = [
        check_labels(shown(folder / _LABELS), _read_array(folder / _LABELS, "labels"), len(reader))
        for folder, reader in zip(folders, readers, strict=True)
    ]
    are_parts = len(folders) > 1
    class_names = [_beside(folder, _CLASSES, _read_classes, are_parts) for folder in folders]
    if not all(class_names):  # the classes of all parts are those that any has a label of
        counted = count_classes(shown(folders[0] / _LABELS), np.concatenate(labels))
        class_names = [names or counted for names in class_names]
    sources = []
    for folder, reader, y, names in zip(folders, readers, labels, class_names, strict=True):
        about = _beside(folder, _ABOUT, _read_about, are_parts)
        white = about.get("white", 255.0 if reader.dtype == np.uint8 else 1.0)
        name = about.get("name", shown(folder.resolve().name) or "images")
        sources.append(LazyDataset(reader, y, names, name, white))
    return sources


def looks_channels_last(shape: Sequence[int]) -> bool:
    """Tell whether images (N, C, H, W) look like (N, H, W, C); to guess would train on stripes."""
    return shape[3] in _CHANNELS and shape[1] not in _CHANNELS


# --- one array ------------------------------------------------------------------------


def read_header(path: Path, source: IO[bytes], name: str) -> Header:
    """Read what stands before an array's values; damage is a ValueError."""
    version = npy.read_magic(source)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"{name} has an array header of version {version}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            shape, fortran, dtype = readers[version](source)
    except Exception as error:  # NumPy evaluates a header as Python, which raises nearly anything
        raise ValueError(f"{name} has a damaged header") from error
    if len(shape) > _MAX_AXES or not all(0 <= n < 1 << 63 for n in shape):
        raise ValueError(f"{name} has a damaged header: no array has such a shape")
    if dtype.hasobject or dtype.names is not None or not dtype.itemsize:
        raise DtypeError(
            f"{shown(path)}: {name} holds Python objects or records ({str(dtype)[:60]})",
            "an array of numbers or text, which loads without running anything",
            f"save np.array({name}) as text"
            if name == "class_names"
            else f"save np.stack({name}), one array of one dtype",
        )
    return Header(tuple(map(int, shape)), bool(fortran), dtype)


def _check_file(path: Path, file: IO[bytes], size: int, name: str) -> Header:
    """Read a file's header, and hold what it says against the file's length."""
    try:
        header = read_header(path, file, name)
    except ValueError as error:
        raise DataError(
            f"{shown(path)}: damaged or no .npy file: {one_line(error)}",
            "a whole .npy file, as np.save writes it",
            "the file is empty: save it again"
            if not size
            else f"save it again with np.save: {name}",
        ) from error
    n_bytes, there = math.prod(header.shape) * header.dtype.itemsize, size - file.tell()
    if n_bytes != there:
        raise DataError(
            f"{shown(path)}: its header says shape {header.shape} and dtype {header.dtype}, and "
            f"{there} bytes follow it",
            f"{n_bytes} bytes after the header",
            f"the file {'is truncated' if n_bytes > there else 'goes on after its array'}: "
            "save it again, and wait until that is over",
        )
    return header


def _open_images(path: Path, layout: str | None) -> ImageFile:
    if layout is not None:
        choice(*LAYOUTS)("load_npy", "layout", layout)
    with open_regular(path) as (file, size):
        shape, fortran, dtype = _check_file(path, file, size, "images")
        offset = file.tell()
    _check_pixels(path, shape, fortran, dtype)
    layout = layout or ("NHW" if len(shape) == 3 else "NCHW")
    where = f"{shown(path.parent)}: {path.name}"
    if len(shape) != len(layout):
        raise ShapeError(
            f"{where} has shape {shape}, and layout={layout!r}",
            f"{len(layout)} axes: ({', '.join(layout)})",
            "use layout='NHW'" if len(shape) == 3 else "save the images as (N, C, H, W)",
        )
    if layout == "NCHW" and looks_channels_last(shape):
        raise ShapeError(
            f"{where} has shape {shape}",
            "images (N, C, H, W)",
            "they look like NHWC: read them with load_npy(folder, layout='NHWC', lazy=True), "
            "and save_npy saves them as (N, C, H, W)",
        )
    return ImageFile(path, offset, shape, dtype, layout)


def _check_pixels(path: Path, shape: tuple[int, ...], fortran: bool, dtype: np.dtype[Any]) -> None:
    where = f"{shown(path.parent)}: {path.name}"
    native = dtype.newbyteorder("=")
    if native not in PIXEL_DTYPES:
        raise DtypeError(
            f"{where} has dtype {dtype}",
            "uint8, float32 or float64",
            "save images.astype(np.uint8), if all values lie from 0 to 255"
            if dtype.kind in "iub"
            else "save images.astype(np.float32)",
        )
    # An array of this shape that takes no memory: what is wrong with a shape is said in one place.
    check_images(where, np.broadcast_to(np.zeros((), native), _with_channel(shape)))
    if fortran:
        raise DataError(
            f"{where} is in Fortran order: the pixels of an image lie all over the file",
            "C order, in which they lie together",
            "save np.ascontiguousarray(images)",
        )


def _with_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0], 1, *shape[1:]) if len(shape) == 3 else shape


def _read_array(path: Path, name: str) -> NDArray[Any]:
    """Read a whole array."""
    with open_regular(path) as (file, size):
        shape, fortran, dtype = _check_file(path, file, size, name)
        values = take(file, math.prod(shape) * dtype.itemsize)
    array = np.frombuffer(values, dtype) if values else np.empty(0, dtype)
    array = array.reshape(shape, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


# --- what stands beside -----------------------------------------------------------------


def _beside(folder: Path, name: str, read: Callable[[Path], T], is_part: bool) -> T:
    """Read a file beside the arrays, or the one above that holds for all parts."""
    return read(folder / name) or read((folder.parent if is_part else folder) / name)


def _read_text(path: Path) -> str:
    """Read a short text, an empty one where there is no such file."""
    if not is_file(path):
        return ""
    with open_regular(path) as (file, size):
        if size > _MAX_TEXT_BYTES:
            raise DataError(
                f"{shown(path)}: has {size} bytes",
                f"at most {_MAX_TEXT_BYTES} bytes of text",
                "check that the file is what its name says",
            )
        data = bytes(take(file, size))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{shown(path)}: byte {error.start} is no UTF-8",
            "text in UTF-8",
            f"iconv -f latin1 -t utf-8 {shown(path)} converts an older one",
        ) from error


def _read_classes(path: Path) -> tuple[str, ...]:
    lines = _read_text(path).replace("\r\n", "\n").rstrip("\n").split("\n")
    return tuple(lines) if lines != [""] else ()


def _read_about(path: Path) -> dict[str, Any]:
    """Read the name and the value of white, of which either may be missing."""
    text = _read_text(path)
    try:
        about = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise _about_error(path, f"no JSON: {one_line(error)}") from error
    kinds: dict[str, tuple[type, ...]] = {"name": (str,), "white": (int, float)}
    if not isinstance(about, dict):
        raise _about_error(path, f"holds a {type(about).__name__}")
    for key, kind in kinds.items():
        if key in about and (not isinstance(about[key], kind) or isinstance(about[key], bool)):
            raise _about_error(path, f"{key} is {ascii(about[key])[:40]}")
    return {key: about[key] for key in kinds if key in about}


def _about_error(path: Path, what: str) -> DataError:
    return DataError(
        f"{shown(path)}: {what}",
        'an object such as {"name": "pets", "white": 255.0}',
        f"mend it, or remove it: rm {shown(path)}",
    )


# --- writing ------------------------------------------------------------------------------


def save_npy(folder: str | os.PathLike[str], dataset: ImageSource) -> None:
    """Save a data set as a folder of ``.npy`` files, which can be larger than memory.

    The images are read and written a chunk at a time. The folder appears whole or not
    at all: it is written beside `folder` under another name and then put in its place.

    Parameters
    ----------
    folder : path
        The folder to make; one that has something in it is left as it is. For parts
        that belong together save three, in ``train``, ``val`` and ``test`` of a folder.
    dataset : ImageSource
        What to save.

    Raises
    ------
    DataError
        If there is something already, or the disk is full or cannot be written to.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from cnnpy.data import digits
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "digits"
    >>> save_npy(folder, digits())
    >>> load_npy(folder, lazy=True)
    LazyDataset('digits': 1797 images (1, 8, 8) of uint8, 10 classes)
    """
    target = Path(folder).resolve()
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise DataError(
                f"{shown(folder)}: there is something already",
                "a new or empty folder: nothing is overwritten",
                f"use another name, or rm -r {shown(folder)}",
            )
        with whole_folder(target) as part:
            _write(part, dataset)
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{shown(folder)}: cannot be written: {error.strerror or error}",
            "a place where folders can be made, with room",
            f"check {shown(target.parent)}: its rights, and df for the room on the disk",
        ) from error


def _write(folder: Path, dataset: ImageSource) -> None:
    header = {
        "descr": npy.dtype_to_descr(dataset.dtype),
        "fortran_order": False,
        "shape": (len(dataset), *dataset.shape),
    }
    about = {"name": dataset.name, "white": dataset.white}
    with (folder / IMAGES).open("xb") as file:
        npy.write_array_header_1_0(file, header)
        for chunk in in_chunks(dataset, np.ascontiguousarray):
            file.write(chunk.data)
    np.save(folder / _LABELS, dataset.labels, allow_pickle=False)
    (folder / _CLASSES).write_text("\n".join(dataset.class_names) + "\n", encoding="utf-8")
    (folder / _ABOUT).write_text(json.dumps(about) + "\n", encoding="utf-8")
