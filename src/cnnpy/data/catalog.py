"""The catalogue: every data set by its name or path, already split. The command line's door."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar, overload

from cnnpy.contract.errors import DataError, MissingDataError, OptionError
from cnnpy.contract.options import flag, pair, real
from cnnpy.data.cifar10 import cifar10
from cnnpy.data.dataset import Dataset
from cnnpy.data.digits import digits
from cnnpy.data.files import is_file, is_folder, shown
from cnnpy.data.folder import FolderReader, open_images
from cnnpy.data.idx import fashion_mnist, holds_idx, idx_folder, mnist, n_plain_bytes
from cnnpy.data.lazy import LazyDataset
from cnnpy.data.npy import IMAGES, open_npy
from cnnpy.data.npz import load_npz
from cnnpy.data.source import ImageSource
from cnnpy.data.splits import Splits, TrainTest, hold_out, split

__all__ = ["DATASETS", "LAZY_FROM_BYTES", "Entry", "load"]

LAZY_FROM_BYTES = 1 << 30
"""From how many bytes of pixels a folder is read lazily, where nobody says."""

S = TypeVar("S", bound=ImageSource)

_TEST = 0.2
_VALIDATION_OF_ALL = 0.2
_VALIDATION_OF_TRAINING = 0.1
_TRAIN, _TEST_FOLDER, _VALIDATION_NAMES = "train", "test", ("val", "valid", "validation")


@dataclass(frozen=True)
class Entry:
    """Describe one data set of the catalogue.

    Parameters
    ----------
    load : callable
        Loads it, as one Dataset or with its own test part.
    description : str
        What it is, in one line.
    """

    load: Callable[[], Dataset | TrainTest[Dataset]]
    description: str


DATASETS = {
    "digits": Entry(digits, "1,797 handwritten digits, 8 x 8 grey; comes with cnnpy"),
    "mnist": Entry(mnist, "70,000 handwritten digits, 28 x 28 grey"),
    "fashion-mnist": Entry(fashion_mnist, "70,000 clothes of ten kinds, 28 x 28 grey"),
    "cifar10": Entry(cifar10, "60,000 photographs of ten kinds, 32 x 32 colour"),
}


@overload
def load(
    name_or_path: str | os.PathLike[str],
    *,
    seed: int = 0,
    size: int | tuple[int, int] | None = None,
    validation: float | None = None,
    lazy: Literal[False],
) -> Splits[Dataset]: ...


@overload
def load(
    name_or_path: str | os.PathLike[str],
    *,
    seed: int = 0,
    size: int | tuple[int, int] | None = None,
    validation: float | None = None,
    lazy: bool | None = None,
) -> Splits[ImageSource]: ...


def load(
    name_or_path: str | os.PathLike[str],
    *,
    seed: int = 0,
    size: int | tuple[int, int] | None = None,
    validation: float | None = None,
    lazy: bool | None = None,
) -> Splits[ImageSource]:
    """Load a data set by name or path, split into three parts.

    Parameters
    ----------
    name_or_path : str or path
        A name in DATASETS, where capitals, ``-`` and ``_`` do not matter; an ``.npz``
        file; or a folder: with one subfolder of images a class; with ``images.npy`` and
        ``labels.npy`` (:func:`load_npy`); with subfolders ``train`` and ``test`` (and
        ``val``, if there is one) that are each one of these; or with four files as
        MNIST has them (:func:`idx_folder`). Write ``./digits`` for a folder that is
        called like a name.
    seed : int
        Names the split.
    size : int or pair of int (H, W), optional
        Resize images to this size; for folders of image files only.
    validation : float, optional
        The share held out for validation. Of a data set without a test part it is
        a share of all images, by default 0.2, and another 0.2 are the test images.
        Where there is a test part, that is kept as it is, and the share is one of
        the training images, by default 0.1.
    lazy : bool, optional
        Whether images stay in their files until a batch asks for them; for folders
        only, and not for gzipped files. By default they do where their pixels take
        1 GiB or more.

    Returns
    -------
    Splits
        Training, validation and test images, each a :class:`Dataset` or, lazily, a
        :class:`LazyDataset`.

    Raises
    ------
    MissingDataError
        If there is no such name or path, or the files of a named set are missing.
    DataError
        If the data is damaged, or cannot be split.
    OptionError
        If an option is out of range.

    Examples
    --------
    >>> train, validation, test = load("digits")
    >>> train
    Dataset('digits': 1078 images (1, 8, 8) of uint8, 10 classes)
    >>> load("digts")
    Traceback (most recent call last):
        ...
    cnnpy.contract.errors.MissingDataError: data: 'digts' is neither a data set nor a path
      expected: digits, mnist, fashion-mnist, cifar10, a folder of images or an .npz file
      to mend:  did you mean 'digits'?
    """
    if validation is not None:
        validation = real(0.0, 1.0 - _TEST, below=True)("data", "validation", validation)
    if lazy is not None:
        lazy = flag()("data", "lazy", lazy)
    entry = _named(name_or_path) if isinstance(name_or_path, str) else None
    path = Path(name_or_path)
    if entry is None and os.fspath(name_or_path) and is_folder(path):
        return _divide(_read_folder(path, size, lazy), validation, seed)
    _check_for_folders(name_or_path, size, lazy)
    if entry is not None:
        return _divide(_parts_of(entry.load()), validation, seed)
    if is_file(path) or path.suffix.lower() == ".npz":
        return _divide([_read_file(path)], validation, seed)
    raise _unknown(name_or_path)


def _check_for_folders(
    name_or_path: str | os.PathLike[str], size: int | tuple[int, int] | None, lazy: bool | None
) -> None:
    """Refuse what only folders can do."""
    where = f"for {shown(name_or_path)!r}"
    if size is not None:
        raise OptionError(
            f"data: size={size!r} {where}",
            "size for a folder of images only; other data sets have their own",
            "leave size out",
        )
    if lazy:
        raise OptionError(
            f"data: lazy=True {where}",
            "lazy for a folder only; other data sets lie in memory",
            "leave lazy out, or save the images with save_npy and load that folder",
        )


def _named(name: str) -> Entry | None:
    return next((DATASETS[key] for key in DATASETS if _plain(key) == _plain(name)), None)


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _unknown(name_or_path: str | os.PathLike[str]) -> MissingDataError:
    text = os.fspath(name_or_path)
    near = difflib.get_close_matches(text.lower(), DATASETS, n=1)
    return MissingDataError(
        f"data: {shown(text)!r} is neither a data set nor a path",
        f"{', '.join(DATASETS)}, a folder of images or an .npz file",
        f"did you mean {near[0]!r}?" if near else "check the path, or use 'digits'",
    )


def _read_file(path: Path) -> Dataset:
    if path.suffix.lower() != ".npz":
        raise DataError(
            f"{shown(path)}: a file of another kind",
            "an .npz file with images and labels, or a folder of images",
            f"put it as {IMAGES} beside labels.npy into a folder, and give that"
            if path.suffix.lower() == ".npy"
            else "save the arrays with cnnpy.data.save_npz",
        )
    return load_npz(path)


def _parts_of(data: Dataset | TrainTest[Dataset]) -> list[Dataset]:
    return [data] if isinstance(data, Dataset) else list(data)


def _divide(parts: Sequence[ImageSource], validation: float | None, seed: int) -> Splits:
    """Hold out what is not held out yet, of one part or of training and test images."""
    if len(parts) == 3:
        return Splits(*parts)
    if len(parts) == 2:
        share = _VALIDATION_OF_TRAINING if validation is None else validation
        train, held = hold_out(parts[0], share, seed)
        return Splits(train, held, parts[1])
    share = _VALIDATION_OF_ALL if validation is None else validation
    return split(parts[0], (1 - share - _TEST, share, _TEST), seed)


# --- folders ------------------------------------------------------------------------------


def _read_folder(
    path: Path, size: int | tuple[int, int] | None, lazy: bool | None
) -> list[ImageSource]:
    """Read a folder of any kind as one part, as two (with a test), or as all three."""
    parts = _ready_made(path, _is_npy) or ([path] if _is_npy(path) else [])
    if parts:
        return _settled(_sized(path, _called(path, open_npy(parts)), size), lazy)
    if holds_idx(path):
        wants = n_plain_bytes(path) >= LAZY_FROM_BYTES if lazy is None else lazy
        return _sized(path, list(idx_folder(path, lazy=wants)), size)
    parts = _ready_made(path, _holds_folders) or [path]
    opened = [open_images(part, size) for part in parts]
    C = max(source.shape[0] for source in opened)
    return _settled(_called(path, [_with_channels(source, C) for source in opened]), lazy)


def _settled(sources: list[LazyDataset], lazy: bool | None) -> list[ImageSource]:
    """Read into memory what is not to be read lazily."""
    if lazy is None:
        lazy = sum(source.n_bytes for source in sources) >= LAZY_FROM_BYTES
    return list(sources) if lazy else [source.in_memory() for source in sources]


def _ready_made(path: Path, is_part: Callable[[Path], bool]) -> list[Path]:
    """Return the parts of a folder that has training and test images, else none."""
    if not all(is_part(path / name) for name in (_TRAIN, _TEST_FOLDER)):
        return []
    held = [name for name in _VALIDATION_NAMES if is_part(path / name)][:1]
    return [path / name for name in (_TRAIN, *held, _TEST_FOLDER)]


def _is_npy(folder: Path) -> bool:
    return is_file(folder / IMAGES)


def _holds_folders(folder: Path) -> bool:
    """Tell whether a folder is a part, which has classes in it, and not itself a class."""
    try:
        return any(is_folder(entry) and entry.name[0] != "." for entry in folder.iterdir())
    except OSError:
        return False


def _called(path: Path, sources: list[LazyDataset]) -> list[LazyDataset]:
    """Call the parts of a data set as the folder is."""
    if len(sources) == 1:
        return sources
    name = shown(path.resolve().name) or "images"
    return [replace(source, name=name) for source in sources]


def _sized(path: Path, sources: list[S], size: int | tuple[int, int] | None) -> list[S]:
    """Demand that images which are not resized have the size that was asked for."""
    wanted = sources[0].shape[1:] if size is None else pair(1)("data", "size", size)
    if wanted != sources[0].shape[1:]:
        H, W = sources[0].shape[1:]
        raise OptionError(
            f"data: size={size!r} for {shown(path)!r}, whose images have H={H}, W={W}",
            "size for a folder of image files only; arrays are not resized",
            f"leave size out, or use size=({H}, {W})",
        )
    return sources


def _with_channels(source: LazyDataset, C: int) -> LazyDataset:
    """Bring a grey part to the channels of a coloured one."""
    reader = source.reader
    assert isinstance(reader, FolderReader)  # as open_images makes it
    return replace(source, reader=replace(reader, shape=(C, *reader.shape[1:])))
