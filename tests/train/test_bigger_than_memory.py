"""Training on images that stay on the disk: the same bits, and memory that does not grow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cnnpy
from cnnpy.contract import DataError
from cnnpy.data import Dataset, LazyDataset, RandomShift, image_folder, load_npy, save_npy
from cnnpy.train import fit

from .conftest import corners, tiny_cnn

GB = 10**9
SHAPE = (3, 64, 64)
N_IMAGES = 20 * GB // (3 * 64 * 64) + 1
EVERY = 8009  # of so many images one is no hole in the file


def trained(train, validation) -> tuple[dict[str, bytes], list[tuple[float, ...]]]:
    classifier = fit(
        tiny_cnn(), train, validation, epochs=3, batch_size=16, seed=5, augment=RandomShift(1)
    )
    history = [
        (r.train_loss, r.train_accuracy, r.validation_loss, r.validation_accuracy)
        for r in classifier.history
    ]
    return {k: v.tobytes() for k, v in classifier.model.state_dict().items()}, history


def on_disk(folder: Path, data: Dataset) -> LazyDataset:
    save_npy(folder, data)
    return load_npy(folder, lazy=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_classifier_has_the_same_bits_wherever_its_images_lie(tmp_path, dtype):
    train, validation = (
        Dataset(data.images.astype(dtype), data.labels, data.class_names)
        for data in (corners(96, 0), corners(40, 1))
    )
    lazily = on_disk(tmp_path / "train", train), on_disk(tmp_path / "validation", validation)
    assert trained(*lazily) == trained(train, validation)


def test_a_folder_of_images_gives_the_bits_of_its_array(tmp_path):
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    for part, data in (("train", corners(96, 0)), ("val", corners(40, 1))):
        for k, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
            folder = tmp_path / part / data.class_names[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[0]).save(folder / f"{k}.png")
    parts = [tmp_path / part for part in ("train", "val")]
    lazily = trained(*(image_folder(part, lazy=True) for part in parts))
    assert lazily == trained(*(image_folder(part) for part in parts))


def test_an_image_that_goes_while_training_is_named(tmp_path):
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    data = corners(40, 0)
    for k, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        (tmp_path / data.class_names[label]).mkdir(exist_ok=True)
        Image.fromarray(image[0]).save(tmp_path / data.class_names[label] / f"{k}.png")
    source = image_folder(tmp_path, lazy=True)

    class Vandal(cnnpy.train.Callback):
        def on_epoch(self, report, classifier):
            source.reader.files[7].unlink()

    with pytest.raises(DataError, match="no such file") as caught:
        fit(tiny_cnn(), source, epochs=3, batch_size=16, callbacks=[Vandal()])
    assert str(source.reader.files[7]) in caught.value.given


def sparse(folder: Path) -> Path:
    """Make a set of 20 GB that takes some MB of disk: of some thousand images one is written."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    labels = np.zeros(N_IMAGES, np.uint8)
    labels[::EVERY] = np.arange(len(labels[::EVERY])) % 2
    np.save(folder / "labels.npy", labels)
    n_bytes = int(np.prod(SHAPE))
    with (folder / "images.npy").open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (N_IMAGES, *SHAPE)}
        np.lib.format.write_array_header_1_0(file, header)
        begin = file.tell()
        try:
            for k in range(0, N_IMAGES, EVERY):
                file.seek(begin + k * n_bytes)
                image = rng.integers(0, 100, SHAPE, dtype=np.uint8)
                image[:, :32] += np.uint8(100 * labels[k])
                file.write(image.tobytes())
            file.truncate(begin + N_IMAGES * n_bytes)
        except OSError as error:
            pytest.skip(f"no file of 20 GB can be made here: {error.strerror}")
    status = (folder / "images.npy").stat()
    assert status.st_size > 20 * GB
    if status.st_blocks * 512 > GB:
        pytest.skip("files are not sparse on this file system")
    return folder


def run(folder: Path, what: str, timeout_s: int) -> dict[str, float]:
    program = Path(__file__).with_name("train_on_a_large_file.py")
    done = subprocess.run(
        [sys.executable, program, folder, str(EVERY), what],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(cnnpy.__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    print(f"{what}: peak of {found['peak_bytes'] / 1e6:.0f} MB on 20 GB")
    return found


def test_20_gb_train_in_less_than_1(tmp_path):
    found = run(sparse(tmp_path / "large"), "steps", 100)
    assert found["n_images"] == N_IMAGES
    assert found["reach"] > 0.99  # the first and the last image read, as a share of the file
    assert found["steps"] == 30
    assert found["accuracy"] > 0.9
    assert found["peak_bytes"] < GB


@pytest.mark.slow
def test_20_gb_are_measured_and_looked_through_in_less_than_1(tmp_path):
    found = run(sparse(tmp_path / "large"), "all", 3000)
    assert found["peak_bytes"] < GB
    # of bytes: all but some hundred images are holes, and those have one value everywhere
    assert found["mean"] == pytest.approx(found["mean_of_written"] / EVERY, rel=0.01)
    assert found["problems"] == ["unbalanced", "constant images"]
