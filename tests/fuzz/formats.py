"""The files that strangers send: a good one of each kind, how it is read, and what is right.

A file that carries checksums or a digest is read as it was written, or not at all. One that
carries none says what it says: then what comes out has to be a data set, whatever its pixels.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import struct
import tempfile
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
from cnnpy.train import Callback, Checkpoints, Classifier, StepReport, array_file, fit, load
from cnnpy.train.run_settings import RunSettings, recipe

from .damage import damaged

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True)
class Format:
    """A kind of file.

    ``make`` writes a good one into an empty folder and returns its path; ``read`` reads it;
    ``right`` tells, of what was read of the good and of the damaged file, whether it is right;
    ``damage`` changes the content of a good one.
    """

    make: Callable[[Path], Path]
    read: Callable[[Path], Any]
    right: Callable[[Any, Any], bool]
    damage: Callable[[bytes, np.random.Generator], tuple[str, bytes]] = damaged


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


class Stop(Exception):
    """Ends a run in its second epoch."""


class StopInTheSecondEpoch(Callback):
    def on_step(self, report: StepReport) -> None:
        if report.epoch == 2:
            raise Stop


def make_stopped(folder: Path) -> Path:
    with contextlib.suppress(Stop):
        go_on(Checkpoints(folder, keep=1), StopInTheSecondEpoch())
    return next(folder.iterdir())


def go_on(checkpoints: Checkpoints, *callbacks: Callback) -> Classifier:
    return fit(
        network(),
        images(),
        images(),
        epochs=2,
        batch_size=6,
        ema_decay=0.9,
        checkpoints=checkpoints,
        resume=True,
        callbacks=[*callbacks, Quiet()],
    )


class Quiet(Callback):
    def on_warning(self, text: str) -> None:
        pass


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


def read_by_going_on(path: Path) -> Any:
    """Go on with the run in a folder of its own, which it may write into."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / path.name).write_bytes(path.read_bytes())
        classifier = go_on(Checkpoints(folder))
    return [report.epoch for report in classifier.history]


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


# --- damage that somebody signed ----------------------------------------------------------------


def signed_anew(content: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """Change a value of the texts or an array of a signed file, and sign it again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        arrays, texts, _ = array_file.read(path)
        names = sorted(name for name, text in texts.items() if text[:1] in "{[")
        if rng.integers(2):
            name = names[int(rng.integers(len(names)))]
            tree = json.loads(texts[name])
            how = f"{name}: {put_somewhere(tree, rng)}"
            texts[name] = json.dumps(tree)
        else:
            name = sorted(arrays)[int(rng.integers(len(arrays)))]
            changes = sorted(CHANGES)
            change = changes[int(rng.integers(len(changes)))]
            how = f"{name}: {change}"
            CHANGES[change](arrays, name)
        array_file.write(path, arrays, texts)
        return how, path.read_bytes()


HOSTILE: list[Any] = [
    *(None, True, -1, 0, 2**70, 1e308, float("nan"), float("inf"), "", "x" * 1000, "\x1b[31m\n"),
    *([], {}, [[[[[[1]]]]]], {"a": {"b": 1}}, [1e308] * 5, "nan", "../../etc/passwd"),
]


def put_somewhere(tree: Any, rng: np.random.Generator) -> str:
    """Put a value that nobody expects into a tree, at a place that is drawn."""
    places = [(tree, key) for key in keys_of(tree)]
    for node, key in places:
        places += [(node[key], inner) for inner in keys_of(node[key])]
    node, key = places[int(rng.integers(len(places)))]
    value = HOSTILE[int(rng.integers(len(HOSTILE)))]
    if isinstance(node, dict) and rng.integers(5) == 0:
        del node[key]
        return f"without {key}"
    node[key] = value
    return f"{key} is {value!r}"[:80]


def keys_of(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node)
    return list(range(len(node))) if isinstance(node, list) else []


CHANGES: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "taken out": lambda arrays, name: arrays.pop(name),
    "renamed": lambda arrays, name: arrays.update({f"{name}.x": arrays.pop(name)}),
    "of one number": lambda arrays, name: arrays.update({name: np.ones((1,), np.float32)}),
    "without axes": lambda arrays, name: arrays.update({name: np.array(3)}),
    "of no numbers": lambda arrays, name: arrays.update({name: np.zeros((0, 4), np.float32)}),
    "of letters": lambda arrays, name: arrays.update({name: np.frombuffer(b"abcd", np.uint8)}),
    "not finite": lambda arrays, name: arrays.update({name: arrays[name] * np.float32(np.nan)}),
    "of doubles": lambda arrays, name: arrays.update({name: arrays[name].astype(np.float64)}),
    "huge": lambda arrays, name: arrays.update({name: arrays[name] + np.float32(3e38)}),
}


# --- what is right --------------------------------------------------------------------------


def as_written(good: Any, read: Any) -> bool:
    return bool(good == read)


def anything(good: Any, read: Any) -> bool:
    return read is not None


FORMATS: dict[str, Format] = {
    "model": Format(make_model, read_model, as_written),
    "checkpoint": Format(make_checkpoint, read_checkpoint, as_written),
    "model, signed anew": Format(make_model, read_model, anything, signed_anew),
    "checkpoint, signed anew": Format(make_stopped, read_by_going_on, anything, signed_anew),
    "npz": Format(make_npz, read_npz, as_written),
    "npy": Format(make_npy, read_npy, anything),
    "IDX": Format(make_idx, read_array, anything),
    "IDX, gzipped": Format(make_idx_gz, read_array, as_written),
    "CIFAR binary": Format(make_cifar, read_cifar, anything),
    "PNG": Format(picture("png"), read_pictures, anything),
    "JPEG": Format(picture("jpg", quality=95), read_pictures, anything),
    "TOML": Format(make_toml, RunSettings.from_file, anything),
}
