"""The course's loading of data: CIFAR-10 and TinyImageNet from files.

CIFAR-10's Python form is a pickle, which could run any program; it is read here
without running anything (:mod:`cnnpy.data`). What the course would unpickle beyond
that is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cnnpy.contract.errors import DataError, MissingDataError, OptionError
from cnnpy.contract.options import integer

__all__ = [
    "get_CIFAR10_data",
    "load_CIFAR10",
    "load_CIFAR_batch",
    "load_imagenet_val",
    "load_models",
    "load_pickle",
    "load_tiny_imagenet",
]

Array = NDArray[Any]

_NOTEBOOK_FOLDER = Path("cs231n", "datasets", "cifar-10-batches-py")
_SIDE = 64  # pixels of a TinyImageNet image


def get_CIFAR10_data(
    num_training: int = 49000,
    num_validation: int = 1000,
    num_test: int = 1000,
    subtract_mean: bool = True,
) -> dict[str, Array]:
    """Load CIFAR-10 as the course's notebooks want it.

    It is looked for in ``cs231n/datasets/cifar-10-batches-py`` under the current
    folder, where the course's script puts it, and then where
    :func:`cnnpy.data.places` says.

    Parameters
    ----------
    num_training : int
        How many images to train on: the first of the training images.
    num_validation : int
        How many to validate on: those after them.
    num_test : int
        How many to test on: the first of the test images.
    subtract_mean : bool
        Whether to subtract the mean of the images to train on, pixel by pixel.

    Returns
    -------
    dict of ndarray
        ``"X_train"``, ``"X_val"``, ``"X_test"`` of shape (N, 3, 32, 32) and float64,
        from 0 to 255 before the mean is subtracted; ``"y_train"``, ``"y_val"``,
        ``"y_test"`` of shape (N,) and int64.

    Raises
    ------
    MissingDataError
        Where the files are not there; it says where it looked and how to get them.
    DataError
        Where a file is corrupt.
    OptionError
        Where there are not that many images.
    """
    from cnnpy.data.cifar10 import cifar10

    counts = {"num_training": num_training, "num_validation": num_validation, "num_test": num_test}
    for name, count in counts.items():
        integer(0)("get_CIFAR10_data", name, count)
    train, test = cifar10(_NOTEBOOK_FOLDER if _NOTEBOOK_FOLDER.is_dir() else None)
    _demand_images("num_training + num_validation", num_training + num_validation, len(train))
    _demand_images("num_test", num_test, len(test))
    train_end, val_end = num_training, num_training + num_validation
    parts = {
        "train": (train.images[:train_end], train.labels[:train_end]),
        "val": (train.images[train_end:val_end], train.labels[train_end:val_end]),
        "test": (test.images[:num_test], test.labels[:num_test]),
    }
    data: dict[str, Array] = {}
    for part, (images, labels) in parts.items():
        data[f"X_{part}"] = images.astype(np.float64)
        data[f"y_{part}"] = labels.copy()
    if subtract_mean and num_training:
        mean = data["X_train"].mean(axis=0)
        for part in parts:
            data[f"X_{part}"] -= mean
    return data


def load_CIFAR10(ROOT: str | os.PathLike[str]) -> tuple[Array, Array, Array, Array]:
    """Load all of CIFAR-10 from a folder.

    Parameters
    ----------
    ROOT : path
        The folder with the six batches, in the Python or the binary form, or the
        ``.tar.gz`` archive of either.

    Returns
    -------
    Xtr : ndarray of shape (50000, 32, 32, 3) and float64
        Training images, channels last, from 0 to 255.
    Ytr : ndarray of shape (50000,) of integers
        Training labels.
    Xte : ndarray of shape (10000, 32, 32, 3) and float64
        Test images.
    Yte : ndarray of shape (10000,) of integers
        Test labels.

    Raises
    ------
    MissingDataError
        Where the files are not there.
    DataError
        Where a file is corrupt, or asks to run anything.
    """
    from cnnpy.data.cifar10 import cifar10

    train, test = cifar10(ROOT)
    return (*_channels_last(train.images, train.labels), *_channels_last(test.images, test.labels))


def load_CIFAR_batch(filename: str | os.PathLike[str]) -> tuple[Array, Array]:
    """Load one batch of CIFAR-10 in its Python form.

    The file is a pickle. It is read without running anything that it names.

    Parameters
    ----------
    filename : path
        The file, ``data_batch_1`` for example.

    Returns
    -------
    X : ndarray of shape (N, 32, 32, 3) and float64
        Images, channels last, from 0 to 255.
    Y : ndarray of shape (N,) of integers
        Labels.

    Raises
    ------
    MissingDataError
        Where the file is not there.
    DataError
        Where it is corrupt, no such batch, or asks to run anything.
    """
    from cnnpy.data.files import open_regular, shown, take
    from cnnpy.data.pickled import read_pickled_dict

    with open_regular(Path(filename)) as (file, size):
        batch = read_pickled_dict(bytes(take(file, size)), shown(filename))
    pixels, labels = batch.get("data"), batch.get("labels")
    whole = (
        isinstance(pixels, np.ndarray)
        and pixels.ndim == 2
        and pixels.shape[1] == 3 * 32 * 32
        and isinstance(labels, list)
        and len(labels) == len(pixels)
        and all(type(label) is int for label in labels)
    )
    if not whole:
        raise DataError(
            f"{shown(filename)}: holds {', '.join(sorted(map(ascii, batch))) or 'nothing'}",
            "'data' of shape (N, 3072) and 'labels', N of them",
            "this is CIFAR-100: give CIFAR-10"
            if "fine_labels" in batch
            else "check that the file is a batch of CIFAR-10 in its Python form",
        )
    assert isinstance(pixels, np.ndarray)
    return _channels_last(pixels.reshape(-1, 3, 32, 32), np.array(labels, dtype=np.int64))


def load_tiny_imagenet(
    path: str | os.PathLike[str], dtype: DTypeLike = np.float32, subtract_mean: bool = True
) -> dict[str, Any]:
    """Load TinyImageNet from its folder.

    Parameters
    ----------
    path : path
        The folder, with ``wnids.txt``, ``words.txt``, ``train``, ``val`` and ``test``.
    dtype : dtype
        Of the images.
    subtract_mean : bool
        Whether to subtract the mean of the training images, pixel by pixel.

    Returns
    -------
    dict
        ``"class_names"``: a list of names for each class. ``"X_train"``, ``"X_val"``,
        ``"X_test"`` of shape (N, 3, 64, 64). ``"y_train"``, ``"y_val"``, ``"y_test"`` of
        shape (N,); the last is None where the folder has no labels for the test.
        ``"mean_image"`` of shape (3, 64, 64).

    Raises
    ------
    MissingDataError
        Where a file is not there.
    DataError
        Where a file is not what it should be.
    MissingPackageError
        Where Pillow is not installed.
    """
    root = Path(path)
    wnids = _lines(root / "wnids.txt")
    label_of = {wnid: label for label, wnid in enumerate(wnids)}
    words = dict(_fields(root / "words.txt", 2))
    class_names = [[w.strip() for w in words.get(wnid, wnid).split(",")] for wnid in wnids]

    train_files, train_labels = [], []
    for wnid in wnids:
        folder = root / "train" / wnid
        for name, *_ in _fields(folder / f"{wnid}_boxes.txt", 1):
            train_files.append(folder / "images" / name)
            train_labels.append(label_of[wnid])
    notes = root / "val" / "val_annotations.txt"
    val = _fields(notes, 2)
    val_labels = [_label(label_of, wnid, notes) for _, wnid, *_ in val]
    test_folder = root / "test" / "images"
    test_names = sorted(p.name for p in test_folder.iterdir()) if test_folder.is_dir() else []
    test_notes = root / "test" / "test_annotations.txt"
    test_labels = None
    if test_notes.is_file():
        named = {name: wnid for name, wnid, *_ in _fields(test_notes, 2)}
        test_labels = np.array(
            [_label(label_of, named.get(name, ""), test_notes) for name in test_names], np.int64
        )

    data: dict[str, Any] = {
        "class_names": class_names,
        "X_train": _read_images(train_files, dtype),
        "y_train": np.array(train_labels, dtype=np.int64),
        "X_val": _read_images([root / "val" / "images" / name for name, *_ in val], dtype),
        "y_val": np.array(val_labels, dtype=np.int64),
        "X_test": _read_images([test_folder / name for name in test_names], dtype),
        "y_test": test_labels,
    }
    if not train_files:
        raise DataError(
            f"load_tiny_imagenet: {os.fspath(path)} has no training image",
            "at least one",
            "unpack the archive again",
        )
    data["mean_image"] = data["X_train"].mean(axis=0)
    if subtract_mean:
        for part in ("X_train", "X_val", "X_test"):
            data[part] -= data["mean_image"]
    return data


def load_pickle(f: Any) -> NoReturn:
    """Refuse to unpickle: a pickle can run any program.

    Parameters
    ----------
    f : file
        The open file.

    Raises
    ------
    DataError
        Always.

    Examples
    --------
    >>> load_pickle(None)
    Traceback (most recent call last):
        ...
    cnnpy.contract.errors.DataError: load_pickle: a pickle may run any program while it is read
      expected: data that is only data: .npz, .npy, or a batch of CIFAR-10
      to mend:  use load_CIFAR_batch(filename) for CIFAR-10, np.load(filename) for arrays
    """
    name = getattr(f, "name", None)
    shown = repr(name) if isinstance(name, str) else "filename"
    raise DataError(
        "load_pickle: a pickle may run any program while it is read",
        "data that is only data: .npz, .npy, or a batch of CIFAR-10",
        f"use load_CIFAR_batch({shown}) for CIFAR-10, np.load({shown}) for arrays",
    )


def load_models(models_dir: str | os.PathLike[str]) -> NoReturn:
    """Refuse to unpickle models: a pickle can run any program.

    Parameters
    ----------
    models_dir : path
        The folder with pickled models.

    Raises
    ------
    DataError
        Always.

    Examples
    --------
    >>> load_models("models")
    Traceback (most recent call last):
        ...
    cnnpy.contract.errors.DataError: load_models: the files in models are pickles, which may run any program while they are read
      expected: checkpoints that are only data, as Solver writes them here: .npz
      to mend:  train with Solver(..., checkpoint_name='models/model'), then np.load the .npz
    """  # noqa: E501
    folder = os.fspath(models_dir)
    raise DataError(
        f"load_models: the files in {folder} are pickles, which may run any program "
        "while they are read",
        "checkpoints that are only data, as Solver writes them here: .npz",
        f"train with Solver(..., checkpoint_name={os.path.join(folder, 'model')!r}), "  # noqa: PTH118
        "then np.load the .npz",
    )


def load_imagenet_val(num: int | None = None) -> NoReturn:
    """Refuse to load 25 ImageNet images: their class names are pickled.

    Parameters
    ----------
    num : int, optional
        How many images.

    Raises
    ------
    DataError
        Always.

    Examples
    --------
    >>> load_imagenet_val(5)
    Traceback (most recent call last):
        ...
    cnnpy.contract.errors.DataError: load_imagenet_val: imagenet_val_25.npz holds its class names as a pickle, which may run any program
      expected: data that is only data
      to mend:  take the images alone: f = np.load('imagenet_val_25.npz'); X, y = f['X'][:5], f['y'][:5]
    """  # noqa: E501
    part = "" if num is None else f"[:{num}]"
    raise DataError(
        "load_imagenet_val: imagenet_val_25.npz holds its class names as a pickle, "
        "which may run any program",
        "data that is only data",
        "take the images alone: f = np.load('imagenet_val_25.npz'); "
        f"X, y = f['X']{part}, f['y']{part}",
    )


def _channels_last(images: Array, labels: Array) -> tuple[Array, Array]:
    turned = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    return turned.astype(np.float64), labels.astype(np.int64)


def _demand_images(name: str, count: int, there: int) -> None:
    if count > there:
        raise OptionError(
            f"get_CIFAR10_data: {name} is {count}; there are {there} images",
            f"{name} of at most {there}",
            f"use {count - there} less",
        )


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MissingDataError(
            f"load_tiny_imagenet: {path}: no such file",
            "the folder of TinyImageNet, unpacked",
            "give the folder that has wnids.txt in it",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"load_tiny_imagenet: {path}: {error}", "a text file", "unpack the archive again"
        ) from error
    return [line.rstrip("\r") for line in text.split("\n") if line.strip()]


def _fields(path: Path, least: int) -> list[list[str]]:
    """Read lines of fields with tabs between them."""
    rows = [line.split("\t") for line in _lines(path)]
    for k, row in enumerate(rows):
        if len(row) < least:
            raise DataError(
                f"load_tiny_imagenet: {path}: line {k + 1} has {len(row)} fields",
                f"at least {least}, with tabs between them",
                "unpack the archive again",
            )
    return rows


def _label(label_of: Mapping[str, int], wnid: str, where: Path) -> int:
    if wnid not in label_of:
        raise DataError(
            f"load_tiny_imagenet: {where}: {wnid!r} is no class of wnids.txt"
            if wnid
            else f"load_tiny_imagenet: {where}: an image has no label",
            f"one of the {len(label_of)} classes",
            "give wnids.txt and the labels of one archive",
        )
    return label_of[wnid]


def _read_images(files: Sequence[Path], dtype: DTypeLike) -> Array:
    """Read colour images of 64 x 64 pixels into one array; grey ones become colour."""
    from cnnpy.data.folder import read_image

    images = np.empty((len(files), 3, _SIDE, _SIDE), dtype=dtype)
    for n, path in enumerate(files):
        images[n] = read_image(path, images.shape[1:])
    return images
