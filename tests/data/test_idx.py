"""Laws of IDX files: every field is checked, and real Fashion-MNIST is read."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from cnnpy.contract.errors import CnnpyError, DataError, MissingDataError
from cnnpy.data import fashion_mnist, mnist, overlap, read_idx

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def packed(array: np.ndarray, code: int = 0x08) -> bytes:
    """Write an array as IDX."""
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_set(folder: Path, mark: str = "-", suffix: str = "", n: int = 12) -> Path:
    """Write four small files as MNIST has them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(n)
    for part, count in (("train", n), ("t10k", n // 2)):
        for what, shape in (("images", (count, 5, 4)), ("labels", (count,))):
            array = rng.integers(0, 256 if what == "images" else 10, shape, dtype=np.uint8)
            data = packed(array)
            path = folder / f"{part}-{what}{mark}idx{array.ndim}-ubyte{suffix}"
            path.write_bytes(gzip.compress(data) if suffix else data)
    return folder


@pytest.mark.parametrize(
    ("code", "dtype"),
    [(0x08, "u1"), (0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_what_is_written_is_read(tmp_path, code, dtype, zipped):
    array = np.arange(-30, 30).astype(dtype).reshape(3, 4, 5)
    data = packed(array, code)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(data) if zipped else data)
    got = read_idx(path)
    assert np.array_equal(got, array)
    assert got.dtype == np.dtype(dtype)
    assert got.dtype.isnative
    assert got.flags.writeable


def test_an_empty_array_is_read(tmp_path):
    (tmp_path / "file").write_bytes(packed(np.empty((0, 28, 28), np.uint8)))
    assert read_idx(tmp_path / "file").shape == (0, 28, 28)


BAD = {
    "begins with the bytes (none)": b"",
    "begins with the bytes 00 00 08": b"\0\0\x08",
    "begins with the bytes 50 4b 03 04": b"PK\x03\x04 a zip file",
    "begins with the bytes 00 00 0a 01": b"\0\0\x0a\x01" + bytes(8),
    "says 0 axes": b"\0\0\x08\0",
    "says 200 axes": b"\0\0\x08\xc8" + bytes(800),
    "ends within its header": b"\0\0\x08\x03" + bytes(5),
    "fewer bytes": packed(np.zeros(9, np.uint8))[:-1],
    "more bytes": packed(np.zeros(9, np.uint8)) + b"x",
    "(4294967295, 4294967295, 4294967295)": b"\0\0\x08\x03" + b"\xff" * 12,
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("given", BAD)
def test_a_header_that_does_not_fit_is_refused(tmp_path, given, zipped):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(BAD[given]) if zipped else BAD[given])
    with pytest.raises(DataError) as caught:
        read_idx(path)
    assert given in caught.value.given
    assert str(path) in caught.value.given


@pytest.mark.parametrize("zipped", [False, True])
def test_a_lying_header_takes_no_memory(tmp_path, zipped, peak_bytes):
    lie = struct.pack(">HBBI", 0, 8, 1, 900_000_000) + bytes(1_000_000)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(lie) if zipped else lie)

    def refused() -> None:
        with pytest.raises(DataError, match="fewer"):
            read_idx(path)

    assert peak_bytes(refused) < 8_000_000


def test_a_gzip_bomb_is_not_unpacked_beyond_its_header(tmp_path, peak_bytes):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(packed(np.zeros(9, np.uint8)) + bytes(100_000_000), 1))

    def refused() -> None:
        with pytest.raises(DataError, match="more"):
            read_idx(path)

    assert peak_bytes(refused) < 8_000_000


@pytest.mark.parametrize("zipped", [False, True])
def test_damaged_files_give_an_error_of_ours_or_an_array(tmp_path, damaged, zipped, outcome):
    data = packed(np.arange(60, dtype=np.uint8).reshape(3, 4, 5))
    path = tmp_path / "file"
    for copy in damaged(gzip.compress(data) if zipped else data, 200, head=20):
        path.write_bytes(copy)
        assert isinstance(outcome(lambda: read_idx(path)), (np.ndarray, CnnpyError))


def test_truncated_gzip_is_damaged(tmp_path):
    whole = gzip.compress(packed(np.arange(60, dtype=np.uint8)))
    for n in range(3, len(whole)):
        (tmp_path / "file").write_bytes(whole[:n])
        with pytest.raises(DataError):
            read_idx(tmp_path / "file")


def test_what_is_no_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="no regular file"):
        read_idx(tmp_path / "pipe")
    with pytest.raises(DataError, match="a folder"):
        read_idx(tmp_path)
    with pytest.raises(MissingDataError, match="no such file"):
        read_idx(tmp_path / "missing")


@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("loader", [mnist, fashion_mnist])
def test_all_spellings_of_the_four_files_are_found(tmp_path, mark, suffix, loader):
    train, test = loader(write_set(tmp_path, mark, suffix))
    assert (train.images.shape, test.images.shape) == ((12, 1, 5, 4), (6, 1, 5, 4))
    assert train.n_classes == 10
    assert train.images.dtype == np.uint8


def test_the_environment_names_the_folder(tmp_path, monkeypatch):
    write_set(tmp_path / "mnist")
    monkeypatch.setenv("CNNPY_DATA", str(tmp_path))
    assert len(mnist().train) == 12


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    folder = write_set(tmp_path)
    labels = folder / "train-labels-idx1-ubyte"
    for array, words in (
        (np.zeros(13, np.uint8), "13 labels"),
        (np.full(12, 10, np.uint8), "label 0 is 10"),
        (np.zeros((12, 1), np.uint8), "shape (12, 1)"),
    ):
        labels.write_bytes(packed(array))
        with pytest.raises(DataError) as caught:
            mnist(folder)
        assert words in caught.value.given
    images = folder / "train-images-idx3-ubyte"
    for array in (np.zeros((0, 5, 4), np.uint8), np.zeros((12, 0, 4), np.uint8)):
        images.write_bytes(packed(array))
        labels.write_bytes(packed(np.zeros(len(array), np.uint8)))
        with pytest.raises(DataError, match="header says shape"):
            mnist(folder)


def test_missing_fashion_mnist_says_how_to_get_it(tmp_path):
    with pytest.raises(MissingDataError) as caught:
        fashion_mnist(tmp_path)
    assert "apt install dataset-fashion-mnist" in caught.value.mend
    assert str(tmp_path) in caught.value.given
    with pytest.raises(MissingDataError, match=r"yann\.lecun\.com"):
        mnist(tmp_path)


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_the_real_fashion_mnist_is_read_from_where_debian_puts_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CNNPY_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    train, test = fashion_mnist()
    assert (train.images.shape, test.images.shape) == ((60000, 1, 28, 28), (10000, 1, 28, 28))
    assert train.class_counts().tolist() == [6000] * 10
    assert test.class_counts().tolist() == [1000] * 10
    assert train.class_names[9] == "Ankle boot"
    assert train.labels[:4].tolist() == [9, 0, 0, 3]
    assert round(float(train.images.mean()) / 255, 4) == 0.2860  # the known mean
    assert overlap(train, test) == 0
