"""Laws of the one door: names, paths, parts, and what is said about a wrong name."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from cnnpy.contract.errors import (
    DataError,
    DtypeError,
    MissingDataError,
    OptionError,
    ShapeError,
)
from cnnpy.data import (
    DATASETS,
    Dataset,
    LazyDataset,
    Splits,
    TrainTest,
    load,
    overlap,
    save_npy,
    save_npz,
)
from cnnpy.data import catalog as room

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def write_images(top: Path, counts: dict[str, int], start: int = 0, grey: bool = False) -> Path:
    """Write different images into one folder a class."""
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    for k, (name, n) in enumerate(counts.items()):
        (top / name).mkdir(parents=True, exist_ok=True)
        for number in range(n):
            pixels = PIXELS + np.uint8(start + number * 7 + k)
            image = Image.fromarray(pixels[..., 0] if grey else pixels)
            image.save(top / name / f"{number}.png")
    return top


@pytest.fixture
def with_test_part(make_dataset, monkeypatch):
    """Put a data set with its own test part into the catalogue."""
    parts = TrainTest(make_dataset(50, 50), make_dataset(10, 10, seed=1))
    monkeypatch.setitem(room.DATASETS, "ready-made", room.Entry(lambda: parts, "for tests"))
    return parts


def test_the_catalogue_lists_what_the_issue_names():
    assert list(DATASETS) == ["digits", "mnist", "fashion-mnist", "cifar10"]
    assert all(entry.description for entry in DATASETS.values())


@pytest.mark.parametrize("name", ["digits", "Digits", "DIG-ITS"])
def test_digits_come_in_three_parts(name):
    parts = load(name)
    assert isinstance(parts, Splits)
    assert [len(part) for part in parts] == [1078, 360, 359]
    again, other = load("digits"), load("digits", seed=1)
    assert np.array_equal(again.test.images, parts.test.images)
    assert not np.array_equal(other.test.images, parts.test.images)


@pytest.mark.parametrize("name", ["fashion_mnist", "FashionMNIST", "fashion-mnist", "cifar-10"])
def test_names_are_found_in_any_spelling(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNPY_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("cnnpy.data.find._SYSTEM", ())
    with pytest.raises(MissingDataError, match=r"^(fashion-mnist|cifar10): not found in"):
        load(name)


def test_validation_changes_the_share(with_test_part):
    assert [len(part) for part in load("digits", validation=0.1)] == [1258, 180, 359]
    assert [len(part) for part in load("digits", validation=0)] == [1438, 0, 359]
    assert [len(part) for part in load("ready-made")] == [90, 10, 20]
    assert [len(part) for part in load("ready_made", validation=0.3)] == [70, 30, 20]
    for share in (0.8, -0.1, "half"):
        with pytest.raises(OptionError, match="validation"):
            load("digits", validation=share)


def test_a_test_part_is_kept_as_it_is(with_test_part):
    parts = load("ready-made", seed=5)
    assert parts.test is with_test_part.test
    assert overlap(parts.train, parts.validation) == 0
    assert parts.validation.class_counts().tolist() == [5, 5]


def test_an_npz_file_is_split(tmp_path, make_dataset):
    path = tmp_path / "set.npz"
    save_npz(path, make_dataset(50, 50))
    for given in (path, str(path)):
        assert [len(part) for part in load(given)] == [60, 20, 20]
    path.rename(tmp_path / "SET.NPZ")
    assert len(load(tmp_path / "SET.NPZ").train) == 60


def test_a_folder_of_classes_is_split(tmp_path):
    folder = write_images(tmp_path / "pets", {"cat": 10, "dog": 10})
    parts = load(folder, size=6)
    assert [len(part) for part in parts] == [12, 4, 4]
    assert parts.train.shape == (3, 6, 6)
    assert parts.train.name == "pets"


def test_a_folder_with_ready_made_parts_keeps_them(tmp_path):
    top = tmp_path / "pets"
    write_images(top / "train", {"cat": 10, "dog": 10})
    write_images(top / "test", {"cat": 2, "dog": 3}, start=100)
    assert [len(part) for part in load(top)] == [18, 2, 5]
    write_images(top / "val", {"cat": 4, "dog": 4}, start=200)
    parts = load(top)
    assert [len(part) for part in parts] == [20, 8, 5]
    assert {part.name for part in parts} == {"pets"}


def test_grey_and_coloured_parts_meet_in_colour(tmp_path):
    write_images(tmp_path / "train", {"cat": 10, "dog": 10})
    write_images(tmp_path / "test", {"cat": 2, "dog": 3}, grey=True)
    parts = load(tmp_path)
    assert parts.test.shape == parts.train.shape == (3, 4, 4)
    assert np.array_equal(parts.test.images[:, 0], parts.test.images[:, 2])


def test_parts_with_other_classes_are_refused(tmp_path):
    write_images(tmp_path / "train", {"cat": 10, "dog": 10})
    write_images(tmp_path / "test", {"cat": 2, "bird": 3})
    with pytest.raises(DataError, match="only in train: dog; only in test: bird"):
        load(tmp_path)


def test_classes_called_train_and_test_are_classes(tmp_path):
    folder = write_images(tmp_path, {"train": 5, "test": 5, "plane": 5})
    assert load(folder).train.class_names == ("plane", "test", "train")


@pytest.mark.parametrize("lazy", [None, True])
def test_folders_of_images_are_read_lazily_with_their_parts(tmp_path, lazy, monkeypatch):
    write_images(tmp_path / "train", {"cat": 10, "dog": 10}, grey=True)
    write_images(tmp_path / "test", {"cat": 2, "dog": 3}, start=100)
    if lazy is None:
        monkeypatch.setattr(room, "LAZY_FROM_BYTES", 25 * 48)
    parts, memory = load(tmp_path, lazy=lazy), load(tmp_path, lazy=False)
    for part, want in zip(parts, memory, strict=True):
        assert isinstance(part, LazyDataset)
        assert isinstance(want, Dataset)
        assert part.shape == (3, 4, 4)
        assert part.name == tmp_path.name
        assert np.array_equal(part.read(range(len(part))), want.images)
        assert np.array_equal(part.labels, want.labels)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_folder_of_four_idx_files_is_a_data_set(tmp_path, zipped, monkeypatch):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 5, 4), dtype=np.uint8)
    labels = (np.arange(60) % 3).astype(np.uint8)
    for part, n in (("train", 60), ("t10k", 30)):
        for what, array in (("images-idx3", images[:n]), ("labels-idx1", labels[:n])):
            data = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            data += array.tobytes()
            path = tmp_path / f"{part}-{what}-ubyte{'.gz' * zipped}"
            path.write_bytes(gzip.compress(data) if zipped else data)
    memory = load(tmp_path)
    assert [len(part) for part in memory] == [54, 6, 30]
    assert memory.train.class_names == ("0", "1", "2")
    assert np.array_equal(memory.test.images[:, 0], images[:30])
    if zipped:
        with pytest.raises(DataError, match="gzipped") as caught:
            load(tmp_path, lazy=True)
        assert caught.value.mend == f"gunzip --keep {tmp_path / 'train-images-idx3-ubyte.gz'}"
        return
    lazily = load(tmp_path, lazy=True)
    monkeypatch.setattr(room, "LAZY_FROM_BYTES", 60 * 20)
    for parts in (lazily, load(tmp_path)):
        for part, want in zip(parts, memory, strict=True):
            assert isinstance(part, LazyDataset)
            assert np.array_equal(part.read(range(len(part))), want.images)
            assert np.array_equal(part.labels, want.labels)
    path = tmp_path / "t10k-images-idx3-ubyte"
    for text, data in (("fewer", path.read_bytes()[:-1]), ("more", path.read_bytes() + b"xy")):
        path.write_bytes(data)
        with pytest.raises(DataError, match=f"there are {text} bytes"):
            load(tmp_path, lazy=True)


def test_lazy_and_size_are_for_what_can_do_it(tmp_path, make_dataset):
    with pytest.raises(OptionError, match=r"lazy=True for 'digits'"):
        load("digits", lazy=True)
    save_npz(tmp_path / "set.npz", make_dataset(9))
    with pytest.raises(OptionError, match="lazy=True") as caught:
        load(tmp_path / "set.npz", lazy=True)
    assert "save_npy" in caught.value.mend
    assert len(load("digits", lazy=False).train) == 1078
    with pytest.raises(OptionError, match="lazy=2"):
        load("digits", lazy=2)
    save_npy(tmp_path / "npy", make_dataset(9))
    assert load(tmp_path / "npy", size=(4, 3)).train.shape == (1, 4, 3)
    with pytest.raises(OptionError, match="H=4, W=3") as caught:
        load(tmp_path / "npy", size=8)
    assert "size=(4, 3)" in caught.value.mend
    with pytest.raises(DataError, match="a file of another kind") as caught:
        load(tmp_path / "npy" / "images.npy")
    assert "beside labels.npy" in caught.value.mend


WRONG_NAMES = [
    ("digts", "did you mean 'digits'?"),
    ("Fashion-MNSIT", "did you mean 'fashion-mnist'?"),
    ("cifar100", "did you mean 'cifar10'?"),
    ("no/such/folder", "check the path"),
    ("", "check the path"),
    ("a\0b", "check the path"),
    ("a\nb", "check the path"),
    (Path("digits"), "did you mean 'digits'?"),
]


@pytest.mark.parametrize(("name", "mend"), WRONG_NAMES)
def test_a_wrong_name_gets_the_nearest_and_the_list(name, mend, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingDataError) as caught:
        load(name)
    assert mend in caught.value.mend
    assert all(known in caught.value.expected for known in DATASETS)
    assert len(str(caught.value).splitlines()) == 3


def test_files_of_other_kinds_are_refused(tmp_path):
    (tmp_path / "set.csv").write_text("1,2,3\n")
    with pytest.raises(DataError, match="a file of another kind"):
        load(tmp_path / "set.csv")
    with pytest.raises(MissingDataError, match="no such file"):
        load(tmp_path / "missing.npz")


def test_size_is_for_folders(tmp_path):
    with pytest.raises(OptionError, match="leave size out"):
        load("digits", size=32)


def test_errors_of_the_parts_keep_their_kinds(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((9, 8, 8, 3), np.uint8), y=np.zeros(9, int))
    np.savez(tmp_path / "b.npz", x=np.zeros((9, 3, 8, 8), int), y=np.zeros(9, int))
    with pytest.raises(ShapeError, match="NHWC"):
        load(tmp_path / "a.npz")
    with pytest.raises(DtypeError, match="int64"):
        load(tmp_path / "b.npz")


def test_importing_the_room_is_light():
    import subprocess
    import sys

    program = (
        "import sys, cnnpy.data\n"
        "heavy = {'PIL', 'sklearn', 'scipy', 'matplotlib', 'torch'} & set(sys.modules)\n"
        "print(sorted(heavy))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
