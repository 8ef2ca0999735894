"""The files that strangers send: a good one of each kind, how it is read, and what is right.

A file that carries checksums or a digest is read as it was written, or not at all. One that
carries none says what it says: then what comes out has to be a data set, whatever its pixels.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cnnpy import nn
from cnnpy.data import (
    Dataset,
    cifar10,
    image_folder,
    load_npy,
    load_npz,
    read_idx,
    save_npy,
    save_npz,
)
from cnnpy.train import Checkpoints, fit, load
from cnnpy.train.run_settings import RunSettings, recipe

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True)
class Format:
    """A kind of file.

    ``make`` writes a good one into an empty folder and returns its path; ``read`` reads it;
    ``right`` tells, of what was read of the good and of the damaged file, whether it is right.
    """

    make: Callable[[Path], Path]
    read: Callable[[Path], Any]
    right: Callable[[Any, Any], bool]


def images() -> Dataset:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (12, 1, 8, 8), dtype=np.uint8)
    return Dataset(pixels, np.arange(12) % 3, ("a", "b", "ß"), "small")


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 3), nn.BatchNorm(), nn.ReLU(), nn.Flatten(), nn.Linear(3))


# --- a good one of each ------------------------------------------------------------------


def make_model(folder: Path) -> Path:
    fit(network(), images(), epochs=1).save(folder / "model.safetensors")
    return folder / "model.safetensors"


def make_checkpoint(folder: Path) -> Path:
    fit(network(), images(), epochs=1, checkpoints=Checkpoints(folder, keep=1))
    return next(folder.iterdir())


def make_npz(folder: Path) -> Path:
    save_npz(folder / "small.npz", images())
    return folder / "small.npz"


def make_npy(folder: Path) -> Path:
    save_npy(folder / "small", images())
    return folder / "small" / "images.npy"


def make_idx(folder: Path) -> Path:
    pixels = images().images[:, 0]
    (folder / "images").write_bytes(
        struct.pack(">BBBBIII", 0, 0, 8, 3, *pixels.shape) + pixels.tobytes()
    )
    return folder / "images"


def make_idx_gz(folder: Path) -> Path:
    content = make_idx(folder).read_bytes()
    (folder / "images.gz").write_bytes(gzip.compress(content, mtime=0))
    return folder / "images.gz"


def make_cifar(folder: Path) -> Path:
    rng = np.random.default_rng(1)
    for name in (*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"):
        pixels = rng.integers(0, 256, (2, 3072), dtype=np.uint8)
        labels = rng.integers(0, 10, (2, 1), dtype=np.uint8)
        (folder / name).write_bytes(np.hstack([labels, pixels]).tobytes())
    return folder / "data_batch_2.bin"


def picture(kind: str, **options: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        rng = np.random.default_rng(2)
        for name in "ab":
            (folder / name).mkdir()
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"1.{kind}", **options)
        return folder / "a" / f"1.{kind}"

    return make


def make_toml(folder: Path) -> Path:
    text = recipe("cifar10").to_toml("run.toml", {"command": "cnnpy train cifar10"})
    (folder / "run.toml").write_text(text, encoding="utf-8")
    return folder / "run.toml"


# --- what is read of it, as arrays and plain values -------------------------------------------


def read_model(path: Path) -> Any:
    classifier = load(path)
    return classifier.class_names, classifier.scores(images().images).tobytes()


def read_checkpoint(path: Path) -> Any:
    snapshot = Checkpoints(path.parent).last(lambda text: None)
    assert snapshot is not None
    arrays = {
        (part, name): (array.shape, array.dtype.str, array.tobytes())
        for part, state in snapshot.arrays.items()
        for name, array in state.items()
    }
    return repr(snapshot), arrays


def read_npz(path: Path) -> Any:
    return content(load_npz(path))


def read_npy(path: Path) -> Any:
    return content(load_npy(path.parent, lazy=True).in_memory())


def read_array(path: Path) -> Any:
    array = read_idx(path)
    return array.shape, array.tobytes()


def read_cifar(path: Path) -> Any:
    train, test = cifar10(path.parent)
    return content(train), content(test)


def read_pictures(path: Path) -> Any:
    return image_folder(path.parents[1])


def content(dataset: Dataset) -> Any:
    parts = (dataset.images, dataset.labels)
    return dataset.class_names, dataset.white, *(a.tobytes() for a in parts), dataset.shape


# --- what is right --------------------------------------------------------------------------


def as_written(good: Any, read: Any) -> bool:
    return bool(good == read)


def anything(good: Any, read: Any) -> bool:
    return read is not None


FORMATS: dict[str, Format] = {
    "model": Format(make_model, read_model, as_written),
    "checkpoint": Format(make_checkpoint, read_checkpoint, as_written),
    "npz": Format(make_npz, read_npz, as_written),
    "npy": Format(make_npy, read_npy, anything),
    "IDX": Format(make_idx, read_array, anything),
    "IDX, gzipped": Format(make_idx_gz, read_array, as_written),
    "CIFAR binary": Format(make_cifar, read_cifar, anything),
    "PNG": Format(picture("png"), read_pictures, anything),
    "JPEG": Format(picture("jpg", quality=95), read_pictures, anything),
    "TOML": Format(make_toml, RunSettings.from_file, anything),
}
