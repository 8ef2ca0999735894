"""The catalogue: every data set by its name or path, already split. The command line's door."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cnnpy.contract.errors import DataError, MissingDataError, OptionError
from cnnpy.contract.options import real
from cnnpy.data.cifar10 import cifar10
from cnnpy.data.dataset import Dataset
from cnnpy.data.digits import digits
from cnnpy.data.files import is_file, is_folder, shown
from cnnpy.data.folder import image_folder
from cnnpy.data.idx import fashion_mnist, mnist
from cnnpy.data.npz import load_npz
from cnnpy.data.splits import Splits, TrainTest, hold_out, split

__all__ = ["DATASETS", "Entry", "load"]

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

    load: Callable[[], Dataset | TrainTest]
    description: str


DATASETS = {
    "digits": Entry(digits, "1,797 handwritten digits, 8 x 8 grey; comes with cnnpy"),
    "mnist": Entry(mnist, "70,000 handwritten digits, 28 x 28 grey"),
    "fashion-mnist": Entry(fashion_mnist, "70,000 clothes of ten kinds, 28 x 28 grey"),
    "cifar10": Entry(cifar10, "60,000 photographs of ten kinds, 32 x 32 colour"),
}


def load(
    name_or_path: str | os.PathLike[str],
    *,
    seed: int = 0,
    size: int | tuple[int, int] | None = None,
    validation: float | None = None,
) -> Splits:
    """Load a data set by name or path, split into three parts.

    Parameters
    ----------
    name_or_path : str or path
        A name in DATASETS, where capitals, ``-`` and ``_`` do not matter; a folder
        with one subfolder a class; a folder whose subfolders ``train`` and ``test``
        (and ``val``, if there is one) have one subfolder a class each; or an
        ``.npz`` file. Write ``./digits`` for a folder that is called like a name.
    seed : int
        Names the split.
    size : int or pair of int (H, W), optional
        Resize images to this size; for folders only.
    validation : float, optional
        The share held out for validation. Of a data set without a test part it is
        a share of all images, by default 0.2, and another 0.2 are the test images.
        Where there is a test part, that is kept as it is, and the share is one of
        the training images, by default 0.1.

    Returns
    -------
    Splits
        Training, validation and test images.

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
    entry = _named(name_or_path) if isinstance(name_or_path, str) else None
    path = Path(name_or_path)
    if entry is None and os.fspath(name_or_path) and is_folder(path):
        return _divide(_read_folder(path, size), validation, seed)
    if size is not None:
        raise OptionError(
            f"data: size={size!r} for {shown(name_or_path)!r}",
            "size for a folder of images only; other data sets have their own",
            "leave size out",
        )
    if entry is not None:
        return _divide(entry.load(), validation, seed)
    if is_file(path) or path.suffix.lower() == ".npz":
        return _divide(_read_file(path), validation, seed)
    raise _unknown(name_or_path)


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
            "save the arrays with cnnpy.data.save_npz",
        )
    return load_npz(path)


def _divide(data: Dataset | TrainTest | Splits, validation: float | None, seed: int) -> Splits:
    """Hold out what is not held out yet."""
    if isinstance(data, Splits):
        return data
    if isinstance(data, TrainTest):
        share = _VALIDATION_OF_TRAINING if validation is None else validation
        train, held = hold_out(data.train, share, seed)
        return Splits(train, held, data.test)
    share = _VALIDATION_OF_ALL if validation is None else validation
    return split(data, (1 - share - _TEST, share, _TEST), seed)


# --- folders with ready-made parts --------------------------------------------------------


def _read_folder(path: Path, size: int | tuple[int, int] | None) -> Dataset | TrainTest | Splits:
    """Read a folder of classes, or of parts that each have the classes."""
    if not all(_holds_folders(path / part) for part in (_TRAIN, _TEST_FOLDER)):
        return image_folder(path, size)
    held = next((name for name in _VALIDATION_NAMES if _holds_folders(path / name)), None)
    names = [_TRAIN, *([held] if held else []), _TEST_FOLDER]
    parts = [image_folder(path / name, size) for name in names]
    C = max(part.shape[0] for part in parts)
    name = shown(path.resolve().name) or "images"
    train, *middle, test = (replace(_with_channels(part, C), name=name) for part in parts)
    return Splits(train, middle[0], test) if middle else TrainTest(train, test)


def _holds_folders(folder: Path) -> bool:
    """Tell whether a folder is a part, which has classes in it, and not itself a class."""
    try:
        return any(is_folder(entry) and entry.name[0] != "." for entry in folder.iterdir())
    except OSError:
        return False


def _with_channels(part: Dataset, C: int) -> Dataset:
    """Bring a grey part to the channels of a coloured one."""
    return part if part.shape[0] == C else replace(part, images=np.repeat(part.images, C, axis=1))
