"""Laws of CIFAR-10: both forms, in folders and archives, read alike and bounded."""

from __future__ import annotations

import gzip
import io
import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from cnnpy.contract.errors import CnnpyError, DataError, MissingDataError
from cnnpy.data import TrainTest, cifar10

NAMES = [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]
N = 3


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """Make six batches of three images."""
    rng = np.random.default_rng(0)
    return [
        (rng.integers(0, 256, (N, 3072), dtype=np.uint8), rng.integers(0, 10, N, dtype=np.uint8))
        for _ in NAMES
    ]


def binary() -> dict[str, bytes]:
    """Write the batches as records of label and pixels."""
    return {
        f"cifar-10-batches-bin/{name}.bin": np.hstack([y[:, None], x]).tobytes()
        for name, (x, y) in zip(NAMES, batches(), strict=True)
    }


def python(protocol: int = 2) -> dict[str, bytes]:
    """Write the batches as pickles."""
    return {
        f"cifar-10-batches-py/{name}": pickle.dumps(
            {b"batch_label": b"a batch", b"labels": y.tolist(), b"data": x}, protocol
        )
        for name, (x, y) in zip(NAMES, batches(), strict=True)
    }


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def archive(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def check(parts) -> None:
    want = batches()
    assert np.array_equal(
        parts.train.images, np.concatenate([x for x, _ in want[:5]]).reshape(-1, 3, 32, 32)
    )
    assert np.array_equal(parts.train.labels, np.concatenate([y for _, y in want[:5]]))
    assert np.array_equal(parts.test.images, want[5][0].reshape(-1, 3, 32, 32))
    assert np.array_equal(parts.test.labels, want[5][1])
    assert parts.train.class_names[3] == "cat"


@pytest.mark.parametrize("files", [binary(), *(python(protocol) for protocol in range(6))])
def test_both_forms_are_read_from_folders_and_archives(tmp_path, files):
    above = write(tmp_path / "above", files)
    check(cifar10(above))
    check(cifar10(above / next(iter(files)).split("/")[0]))
    form = "binary" if "bin" in next(iter(files)) else "python"
    packed = archive(tmp_path / "cifar10" / f"cifar-10-{form}.tar.gz", files)
    check(cifar10(packed))
    check(cifar10(tmp_path))


def test_an_archive_writes_nothing_and_skips_what_is_not_wanted(tmp_path):
    files = {"../../escape": b"x", "/cifar/readme.html": b"y" * 999, **binary()}
    packed = archive(tmp_path / "any-name.tgz", files)
    check(cifar10(packed))
    assert [path.name for path in tmp_path.iterdir()] == ["any-name.tgz"]


def test_missing_cifar_says_where_and_how(tmp_path):
    with pytest.raises(MissingDataError) as caught:
        cifar10(tmp_path)
    assert "cs.toronto.edu" in caught.value.mend
    assert str(tmp_path) in caught.value.given


def change(files: dict[str, bytes], data: bytes) -> dict[str, bytes]:
    return dict(files, **{next(iter(files)): data})


BAD_BATCHES = {
    "has 0 bytes": b"",
    "has 3000 bytes": bytes(3000),
    "label 0 is 10": bytes([10]) + bytes(3072),
}


@pytest.mark.parametrize("given", BAD_BATCHES)
def test_a_binary_batch_that_does_not_fit_is_named(tmp_path, given):
    folder = write(tmp_path, change(binary(), BAD_BATCHES[given]))
    with pytest.raises(DataError) as caught:
        cifar10(folder)
    assert given in caught.value.given
    assert "data_batch_1.bin" in caught.value.given


X = np.zeros((2, 3072), np.uint8)
BAD_PICKLES = [
    ({"data": X}, "holds data", "a batch of CIFAR-10"),
    ({"data": X, "fine_labels": [0, 1]}, "holds data, fine_labels", "this is CIFAR-100"),
    ({"data": X[:, 1:], "labels": [0, 1]}, "(2, 3071)", "CIFAR-10"),
    ({"data": [1, 2], "labels": [0, 1]}, "data is list", "CIFAR-10"),
    ({"data": X, "labels": [0, 1, 2]}, "2 images and 3 labels", "damaged"),
    ({"data": X, "labels": [0, 10]}, "label 1 is 10", "CIFAR-100"),
    ({"data": X, "labels": [0, -1]}, "small integers", "CIFAR-10"),
    ({"data": X, "labels": [0, 1.0]}, "small integers", "CIFAR-10"),
    ({"data": X, "labels": "ab"}, "no list", "CIFAR-10"),
    ({"data": X[:0], "labels": []}, "asks to run|0 images", ""),
    ([1, 2], "holds a list", "data set"),
]


@pytest.mark.parametrize(("batch", "given", "mend"), BAD_PICKLES)
def test_a_pickled_batch_that_does_not_fit_is_named(tmp_path, batch, given, mend):
    folder = write(tmp_path, change(python(), pickle.dumps(batch, 2)))
    with pytest.raises(DataError) as caught:
        cifar10(folder)
    assert any(words in caught.value.given for words in given.split("|"))
    assert mend in caught.value.mend
    assert "data_batch_1" in caught.value.given


def test_an_archive_without_all_batches_is_refused(tmp_path):
    files = binary()
    files.pop(next(iter(files)))
    with pytest.raises(DataError, match=r"holds data_batch_2\.bin"):
        cifar10(archive(tmp_path / "a.tar.gz", files))
    with pytest.raises(DataError, match="no batch of CIFAR-10"):
        cifar10(archive(tmp_path / "b.tar.gz", {"other": b"x"}))
    (tmp_path / "c.tar.gz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="is not gzipped"):
        cifar10(tmp_path / "c.tar.gz")


def test_an_archive_that_unpacks_to_too_much_is_refused_in_little_memory(
    tmp_path, monkeypatch, peak_bytes
):
    module = sys.modules["cnnpy.data.cifar10"]
    monkeypatch.setattr(module, "_MAX_ARCHIVE_BYTES", 200_000)
    packed = archive(tmp_path / "a.tar.gz", {"other": bytes(30_000_000), **binary()})

    def refused() -> None:
        with pytest.raises(DataError, match="unpacks to more than 200000 bytes"):
            cifar10(packed)

    assert peak_bytes(refused) < 5_000_000


def test_a_batch_or_an_archive_beyond_the_bounds_is_refused(tmp_path, monkeypatch):
    module = sys.modules["cnnpy.data.cifar10"]
    folder = write(tmp_path, binary())
    packed = archive(tmp_path / "a.tar.gz", binary())
    monkeypatch.setattr(module, "_MAX_FILE_BYTES", 5000)
    with pytest.raises(DataError, match="has 9219 bytes"):
        cifar10(folder)
    with pytest.raises(DataError, match=r"data_batch_1\.bin has 9219 bytes"):
        cifar10(packed)
    monkeypatch.setattr(module, "_MAX_MEMBERS", 2)
    with pytest.raises(DataError, match="more than 2 files"):
        cifar10(archive(tmp_path / "b.tar.gz", dict.fromkeys("abc", b"")))


def test_damaged_archives_give_an_error_of_ours_or_images(tmp_path, damaged, outcome):
    path = archive(tmp_path / "a.tar.gz", python())
    plain = gzip.decompress(path.read_bytes())
    copies = [
        *damaged(path.read_bytes(), 40),
        *(gzip.compress(copy, 1) for copy in damaged(plain, 80, head=1100)),
    ]
    for copy in copies:
        path.write_bytes(copy)
        assert isinstance(outcome(lambda: cifar10(path)), (TrainTest, CnnpyError))
